package org.allod.edge;

/** Where a request goes. Machines are indexes into the {@link BackendSet} that was looked at. */
sealed interface RoutingDecision {
    /** No machine. */
    int NONE = -1;

    /**
     * Forward it.
     *
     * @param alsoWake another machine to bring up meanwhile because the running ones are busy, or {@link #NONE}
     */
    record Send(int index, int alsoWake) implements RoutingDecision {}

    /** Bring this machine up, hold the request meanwhile, then forward it there. */
    record Wake(int index) implements RoutingDecision {}

    /** Hold it until something changes: a machine that is between states, unwell, or full. */
    record Hold(Because because) implements RoutingDecision {}

    /** Nothing that could change by itself would help. */
    record Refuse(Because because) implements RoutingDecision {}

    /** Why a request cannot be forwarded now. */
    enum Because {
        /** Every machine is at its hard limit. */
        FULL,
        /** Machines are on their way up or down. */
        IN_TRANSIT,
        /** Machines run, but their checks say they do not serve. */
        UNHEALTHY,
        /** Machines are stopped, and only a person may start them. */
        NOT_STARTED,
        /** Every machine is cordoned. */
        CORDONED,
        /** Machines exist, but have failed or are going away. */
        GONE,
        /** The app has no machine at all. */
        NO_MACHINES,
        /** All that were tried refused the connection. */
        ALL_TRIED
    }
}
