package org.allod.api;

import org.allod.trust.AppTokens;

/** Who is asking, once that has been proved. */
public sealed interface Caller {
    /** A process of this host, by the user id the kernel vouches for. */
    record Local(int uid) implements Caller {}

    /** Somebody with the operator's token. */
    record Operator(String address) implements Caller {}

    /** Somebody with a token of one app. */
    record OfApp(AppTokens.Token token, String address) implements Caller {}

    /** Somebody who has proved nothing. */
    record Nobody(String address) implements Caller {}

    /** Whose memory and connections it uses: all tokens of one app are one. */
    default String account() {
        return switch (this) {
            case Local(int uid) -> "uid " + uid;
            case Operator _ -> "operator";
            case OfApp(var token, var _) -> "app " + token.app();
            case Nobody(String address) -> "nobody at " + address;
        };
    }

    /** Whether it is somebody with no more than a token of an app. */
    default boolean tenant() {
        return switch (this) {
            case Local _, Operator _ -> false;
            case OfApp _, Nobody _ -> true;
        };
    }

    /** A name for rate limits and logs; never a secret. */
    default String name() {
        return switch (this) {
            case Local(int uid) -> "uid " + uid;
            case Operator(String address) -> address;
            case OfApp(var token, var _) -> "token " + token.id();
            case Nobody(String address) -> "nobody at " + address;
        };
    }
}
