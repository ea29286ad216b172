package org.allod.trust;

/**
 * How well an app has proved that it owns a host name, weakest first. A stronger proof takes the name from a weaker
 * one; between equal proofs the current owner keeps it.
 */
enum HostNameProof {
    /** None: the certificate predates proofs, or its chain has expired. */
    NONE,
    /** A chain to an authority that this host trusts, and its private key. */
    CHAIN,
    /** The operator uploaded the certificate, or assigned the name to the app. */
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
