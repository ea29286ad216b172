package org.allod.api;

/** Who is asking, once that has been proved. */
public sealed interface Caller {
    /** A process of this host, by the user id the kernel vouches for. */
    record Local(int uid) implements Caller {}

    /** Somebody with the operator's token. */
    record Operator(String address) implements Caller {}

    /** A name for rate limits and logs; never a secret. */
    default String name() {
        return switch (this) {
            case Local(int uid) -> "uid " + uid;
            case Operator(String address) -> address;
        };
    }
}
