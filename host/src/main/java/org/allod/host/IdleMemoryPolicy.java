package org.allod.host;

import java.time.Duration;

/**
 * When a daemon gives back memory that it no longer uses: once it has been quiet for some time, and holds more than what
 * was left the last time, or has worked much since. A pure reducer, asked at regular looks.
 *
 * <p>Quiet is told by the processor time of the whole process, which knows of every kind of work, also those to come.
 * What a release leaves is what the next is measured against: where it gave back nothing since everything is in use, the
 * next waits until there is more.
 */
final class IdleMemoryPolicy {
    /** Of one processor, over the time between two looks. Twenty questions of the API a second take about as much. */
    private static final double BUSY = 0.05;

    /** Looks in a row that have to be quiet. */
    private static final int LOOKS = 2;

    /** More than was left after the last release, in which a collector's young part fills and empties. */
    private static final double GROWN = 1.2;

    private static final long GROWN_BYTES = 16L << 20;

    /** A storm's worth of work, after which what is in use may be less though what is held is not more. */
    private static final Duration WORKED = Duration.ofSeconds(60);

    private IdleMemoryPolicy() {}

    /**
     * What is remembered between looks.
     *
     * @param quietLooks in a row, until now
     * @param floor bytes that the last release left; 0 before the first
     * @param worked processor time of the looks since the last release that were not quiet
     */
    record State(int quietLooks, long floor, Duration worked) {
        static final State FIRST = new State(0, 0, Duration.ZERO);
    }

    /**
     * What a look saw.
     *
     * @param since the last look
     * @param cpu processor time of the process in that time
     * @param held bytes of memory the process holds
     */
    record Look(Duration since, Duration cpu, long held) {
        boolean quiet() {
            return cpu.toNanos() < since.toNanos() * BUSY;
        }
    }

    record Step(State state, boolean release) {}

    static Step next(State state, Look look) {
        if (!look.quiet()) {
            return new Step(new State(0, state.floor, state.worked.plus(look.cpu)), false);
        }
        State quiet = new State(Math.min(LOOKS, state.quietLooks + 1), state.floor, state.worked);
        return new Step(quiet, quiet.quietLooks == LOOKS && isWorthwhile(quiet, look.held));
    }

    private static boolean isWorthwhile(State state, long held) {
        return held > state.floor * GROWN + GROWN_BYTES || state.worked.compareTo(WORKED) >= 0;
    }

    /** After a release, with what it left. */
    static State released(long left) {
        return new State(0, left, Duration.ZERO);
    }
}
