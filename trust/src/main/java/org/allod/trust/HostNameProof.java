package org.allod.trust;

/**
 * How well an app has shown that a host name is its own, the weakest first. A stronger one takes the name from a weaker
 * one; between equals, whoever has it keeps it.
 */
enum HostNameProof {
    /** Not at all: of before proofs were asked for, or a chain that has expired. */
    NONE,
    /** A chain to an authority that is trusted here, and its key. */
    CHAIN,
    /** The operator's word: by bringing the certificate, or by giving the name to the app. */
    OPERATOR;

    int code() {
        return switch (this) {
            case NONE -> 0;
            case CHAIN -> 1;
            case OPERATOR -> 2;
        };
    }

    static HostNameProof of(int code) {
        return switch (code) {
            case 1 -> CHAIN;
            case 2 -> OPERATOR;
            default -> NONE;
        };
    }

    boolean beats(HostNameProof other) {
        return compareTo(other) > 0;
    }
}
