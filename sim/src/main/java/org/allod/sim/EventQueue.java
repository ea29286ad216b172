package org.allod.sim;

import java.util.PriorityQueue;

/**
 * The simulated time: a queue of events, in nanoseconds from the start. Events of one moment happen in order of
 * insertion.
 */
public final class EventQueue {
    private record Event(long at, long seq, Runnable action) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(at, other.at);
            return byTime != 0 ? byTime : Long.compare(seq, other.seq);
        }
    }

    private final PriorityQueue<Event> queue = new PriorityQueue<>();
    private long now;
    private long seq;
    private long happened;

    public long now() {
        return now;
    }

    /** How many events have happened. */
    public long happened() {
        return happened;
    }

    /** Has the action happen then, or now where that has passed. */
    public void at(long when, Runnable action) {
        queue.add(new Event(Math.max(now, when), seq++, action));
    }

    public void after(long nanos, Runnable action) {
        at(now + nanos, action);
    }

    /** Lets everything happen that is due by then, and moves there. */
    public void runUntil(long until) {
        while (!queue.isEmpty() && queue.peek().at <= until) {
            Event event = queue.poll();
            now = event.at;
            happened++;
            event.action.run();
        }
        now = Math.max(now, until);
    }
}
