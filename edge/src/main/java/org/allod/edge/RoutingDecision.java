package org.allod.edge;

/** Where a request goes. Machines are indexes into the {@link BackendSet} that the decision was made from. */
sealed interface RoutingDecision {
    /** No machine. */
    int NONE = -1;

    /**
     * Forward it.
     *
     * @param alsoWake another machine to bring up because the running ones are busy, or {@link #NONE}
     */
    record Send(int index, int alsoWake) implements RoutingDecision {}

    /** Bring this machine up, hold the request until it is up, then forward it there. */
    record Wake(int index) implements RoutingDecision {}

    /** Hold it until something changes: a machine is between states, unhealthy, or full. */
    record Hold(Because because) implements RoutingDecision {}

    /** Refuse it: no change that is under way would help. */
    record Refuse(Because because) implements RoutingDecision {}

    /** Why a request cannot be forwarded now. */
    enum Because {
        /** Every machine is at its hard limit. */
        FULL,
        /** Machines are starting or stopping. */
        IN_TRANSIT,
        /** Machines run, but fail their health checks. */
        UNHEALTHY,
        /** Machines are stopped, and autostart is off. */
        NOT_STARTED,
        /** Every machine is cordoned. */
        CORDONED,
        /** Machines exist, but have failed or are being destroyed. */
        GONE,
        /** The app has no machine. */
        NO_MACHINES,
        /** Every machine that was tried refused the connection. */
        ALL_TRIED
    }
}
