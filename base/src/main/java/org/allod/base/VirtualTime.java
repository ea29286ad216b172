package org.allod.base;

import java.time.Duration;
import java.time.Instant;
import java.util.PriorityQueue;

/**
 * A clock and timers that stand still until told to move: what tests and simulations pass where the daemon passes
 * {@link SystemClock} and {@link SystemTimers}. Tasks run on the thread that calls {@link #advance}, in the order of
 * their times, ties in the order they were scheduled, so a run with the same seed is the same run.
 */
public final class VirtualTime implements Clock, Timers {
    private record Entry(long at, long seq, Runnable task) implements Comparable<Entry> {
        @Override
        public int compareTo(Entry other) {
            int byTime = Long.compare(at, other.at);
            return byTime != 0 ? byTime : Long.compare(seq, other.seq);
        }
    }

    private final PriorityQueue<Entry> queue = new PriorityQueue<>();
    private final Instant origin;
    private long now;
    private long seq;
    private Duration shift = Duration.ZERO;

    public VirtualTime(Instant origin) {
        this.origin = origin;
    }

    @Override
    public synchronized Instant wall() {
        return origin.plusNanos(now).plus(shift);
    }

    @Override
    public synchronized long monoNanos() {
        return now;
    }

    @Override
    public synchronized Timer after(Duration delay, Runnable task) {
        Entry entry = new Entry(now + Math.max(0, delay.toNanos()), seq++, task);
        queue.add(entry);
        return () -> {
            synchronized (this) {
                queue.remove(entry);
            }
        };
    }

    /** Steps the calendar, as somebody who sets a host's clock does; no time passes and no task falls due. */
    public synchronized void step(Duration by) {
        shift = shift.plus(by);
    }

    /** Moves time forward by {@code by}, running what falls due on the way. */
    public void advance(Duration by) {
        long until;
        synchronized (this) {
            until = now + by.toNanos();
        }
        while (step(until)) {
            // Each step runs one task; tasks may schedule more.
        }
        synchronized (this) {
            now = until;
        }
    }

    /** Moves to the next scheduled task and runs it; false where none is left. */
    public boolean step() {
        return step(Long.MAX_VALUE);
    }

    private boolean step(long until) {
        Entry entry;
        synchronized (this) {
            entry = queue.peek();
            if (entry == null || entry.at > until) {
                return false;
            }
            queue.poll();
            now = Math.max(now, entry.at);
        }
        entry.task.run();
        return true;
    }
}
