package org.allod.base;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A clock that detects steps of the calendar, and believes the calendar again only after a day without a step. Code
 * that deletes something for its age asks {@link #believedWall}, so a calendar that jumps years ahead for an hour
 * deletes nothing.
 *
 * <p>A step is a difference between the times that have passed by the calendar and by the monotonic clock. Across a
 * restart only {@link State} is known: a calendar that is behind it or far ahead may have stepped meanwhile, and is not
 * believed for a day. Safe from any thread.
 */
public final class BelievedClock implements Clock {
    /** How long the calendar must be steady before it is believed. */
    public static final Duration TRIAL = Duration.ofDays(1);

    /**
     * A larger difference is a step. Slewing and leap seconds stay far below, and nothing is deleted at so small an
     * age.
     */
    static final Duration TOLERANCE = Duration.ofMinutes(1);

    /** After a longer absence the daemon cannot tell how long it was away. */
    static final Duration RESTART = Duration.ofMinutes(10);

    private final Clock clock;
    private Instant anchorWall;
    private long anchorMono;
    /** How long the calendar had been steady at the anchor. */
    private Duration before = Duration.ZERO;

    private Instant highest;
    private long steps;

    /**
     * What is kept across a restart.
     *
     * @param wall the time by the calendar
     * @param steady how long the calendar had been steady by then
     * @param highest the latest time that it has ever shown
     */
    public record State(Instant wall, Duration steady, Instant highest) {}

    public BelievedClock(Clock clock) {
        this.clock = clock;
        this.anchorWall = clock.wall();
        this.anchorMono = clock.monoNanos();
        this.highest = anchorWall;
    }

    /** Restores what an earlier process kept; returns whether the calendar is plausible after that. */
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

    /** Compares the clocks; returns whether the calendar has stepped since the last call. Call about once a minute. */
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

    /** How many steps were detected, at most one for a restart. */
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
