package org.allod.edge;

/**
 * How one machine wants to be used: the service block of its configuration, as far as the edge needs it.
 *
 * @param concurrency what the limits count
 * @param softLimit at this load others are preferred, and another machine is started; 0 means none
 * @param hardLimit never more than this at once; 0 means none
 * @param autostart whether a request may start the machine
 * @param autostop what to do with it when idle
 * @param minRunning how many of the app's machines stay up whatever happens
 */
public record Service(
        Concurrency concurrency, int softLimit, int hardLimit, boolean autostart, Autostop autostop, int minRunning) {
    /** What a limit counts. */
    public enum Concurrency {
        /** Requests under way. */
        REQUESTS,
        /** Client connections that have been sent to the machine, also between their requests. */
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

    /** This, but stopped so when idle. */
    public Service stopping(Autostop how) {
        return new Service(concurrency, softLimit, hardLimit, autostart, how, minRunning);
    }

    /** This, with these limits. */
    public Service limited(Concurrency what, int soft, int hard) {
        return new Service(what, soft, hard, autostart, autostop, minRunning);
    }

    /** This, but only a person or the API starts it. */
    public Service startedByHand() {
        return new Service(concurrency, softLimit, hardLimit, false, autostop, minRunning);
    }

    /** This, with at least so many of the app's machines kept up. */
    public Service keeping(int running) {
        return new Service(concurrency, softLimit, hardLimit, autostart, autostop, running);
    }

    /**
     * This and another service of the same machine, as what puts machines to sleep sees them: asleep is what either
     * wants, and busy is what either is.
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

    /** Whether a machine under {@code load} still has room it likes to give. */
    boolean underSoft(int load) {
        return underHard(load) && (softLimit == 0 || load < softLimit);
    }

    boolean underHard(int load) {
        return hardLimit == 0 || load < hardLimit;
    }
}
