package org.allod.edge;

/**
 * How traffic to one machine is limited, and how it starts and stops: the part of its service configuration that the
 * edge uses.
 *
 * @param concurrency what the limits count
 * @param softLimit from this load on, others are preferred and another machine is started; 0 means none
 * @param hardLimit maximum load; 0 means none
 * @param autostart whether a request may start the machine
 * @param autostop what to do with it when idle
 * @param minRunning how many of the app's machines autostop leaves running
 */
public record Service(
        Concurrency concurrency, int softLimit, int hardLimit, boolean autostart, Autostop autostop, int minRunning) {
    /** What the limits count. */
    public enum Concurrency {
        /** Requests in flight. */
        REQUESTS,
        /** Client connections assigned to the machine, including those between two requests. */
        CONNECTIONS
    }

    public Service {
        if (softLimit < 0 || hardLimit < 0 || minRunning < 0) {
            throw new IllegalArgumentException("limits of a service are not negative: soft " + softLimit + ", hard "
                    + hardLimit + ", min running " + minRunning);
        }
    }

    /** No limits, started by a request, never stopped. */
    public static Service plain() {
        return new Service(Concurrency.REQUESTS, 0, 0, true, Autostop.OFF, 0);
    }

    /** A copy with this autostop behaviour. */
    public Service stopping(Autostop how) {
        return new Service(concurrency, softLimit, hardLimit, autostart, how, minRunning);
    }

    /** A copy with these limits. */
    public Service limited(Concurrency what, int soft, int hard) {
        return new Service(what, soft, hard, autostart, autostop, minRunning);
    }

    /** A copy without autostart. */
    public Service startedByHand() {
        return new Service(concurrency, softLimit, hardLimit, false, autostop, minRunning);
    }

    /** A copy with this minimum of running machines. */
    public Service keeping(int running) {
        return new Service(concurrency, softLimit, hardLimit, autostart, autostop, running);
    }

    /**
     * Merges two services of the same machine for autostop: the machine may sleep as either allows, and is busy if
     * either is.
     */
    Service beside(Service other, int load) {
        boolean busier = !other.underSoft(load);
        return new Service(
                concurrency,
                busier ? Math.max(1, Math.min(other.softLimit, load)) : softLimit,
                busier ? 0 : hardLimit,
                autostart || other.autostart,
                autostop == Autostop.OFF ? other.autostop : autostop,
                Math.max(minRunning, other.minRunning));
    }

    /** Whether a machine under {@code load} is below its soft limit. */
    boolean underSoft(int load) {
        return underHard(load) && (softLimit == 0 || load < softLimit);
    }

    boolean underHard(int load) {
        return hardLimit == 0 || load < hardLimit;
    }
}
