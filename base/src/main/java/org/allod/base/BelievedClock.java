package org.allod.base;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A clock that notices when the calendar steps, and believes it again only after a day without a step. What is deleted
 * for its age asks {@link #believedWall}: a calendar that jumps years ahead for an hour then deletes nothing.
 *
 * <p>A step is seen as a difference between what the calendar and what the process's own time say has passed. Over a
 * restart only {@link State} is known: a calendar that is behind it, or far ahead, may have stepped meanwhile, and is not
 * believed until a day has been seen. Safe for any thread.
 */
public final class BelievedClock implements Clock {
    /** How long a calendar must have been steady. */
    public static final Duration TRIAL = Duration.ofDays(1);

    /** Slewing and leap seconds stay far below; no age that anything is deleted for is as short. */
    static final Duration TOLERANCE = Duration.ofMinutes(1);

    /** A daemon that was away for longer cannot tell how long it was. */
    static final Duration RESTART = Duration.ofMinutes(10);

    private final Clock clock;
    private Instant anchorWall;
    private long anchorMono;
    /** How long the calendar had been steady at the anchor. */
    private Duration before = Duration.ZERO;

    private Instant highest;
    private long steps;

    /**
     * What is kept over a restart.
     *
     * @param wall what the calendar said
     * @param steady how long it had been steady by then
     * @param highest the latest that it ever said
     */
    public record State(Instant wall, Duration steady, Instant highest) {}

    public BelievedClock(Clock clock) {
        this.clock = clock;
        this.anchorWall = clock.wall();
        this.anchorMono = clock.monoNanos();
        this.highest = anchorWall;
    }

    /** Takes up what an earlier process kept; whether the calendar is where it can be expected to be. */
    public synchronized boolean restore(State last) {
        Instant now = clock.wall();
        highest = later(last.highest, now);
        Duration away = Duration.between(last.wall, now);
        boolean steady = away.compareTo(TOLERANCE.negated()) >= 0 && away.compareTo(RESTART) <= 0;
        anchor(now, steady ? last.steady : Duration.ZERO);
        steps += steady ? 0 : 1;
        return steady;
    }

    private void anchor(Instant wall, Duration steady) {
        anchorWall = wall;
        anchorMono = clock.monoNanos();
        before = steady;
    }

    /** Compares; whether the calendar has stepped since the last look. To be called about once a minute. */
    public synchronized boolean observe() {
        Instant wall = clock.wall();
        Duration passed = Duration.ofNanos(clock.monoNanos() - anchorMono);
        Duration shift = Duration.between(anchorWall.plus(passed), wall).abs();
        highest = later(highest, wall);
        if (shift.compareTo(TOLERANCE) <= 0) {
            return false;
        }
        steps++;
        anchor(wall, Duration.ZERO);
        return true;
    }

    private static Instant later(Instant a, Instant b) {
        return a.isAfter(b) ? a : b;
    }

    /** What to keep for the next process. */
    public synchronized State state() {
        return new State(clock.wall(), steady(), highest);
    }

    /** How long the calendar has been steady. */
    public synchronized Duration steady() {
        observe();
        return before.plusNanos(clock.monoNanos() - anchorMono);
    }

    /** Steps seen, one at most over a restart. */
    public synchronized long steps() {
        return steps;
    }

    @Override
    public synchronized Optional<Instant> believedWall() {
        return steady().compareTo(TRIAL) >= 0 ? Optional.of(clock.wall()) : Optional.empty();
    }

    @Override
    public Instant wall() {
        return clock.wall();
    }

    @Override
    public long monoNanos() {
        return clock.monoNanos();
    }
}
