package org.allod.sim;

import org.jspecify.annotations.Nullable;

/** One host: a place, a clock with an arbitrary start, and a process while it is up. */
public final class SimulatedHost {
    private final EventQueue events;
    final int number;
    final String address;
    final Place place;
    final int placeNumber;
    /** This host's monotonic clock: what it showed at the beginning of the simulation, and how fast it goes. */
    private long clock;

    private double rate = 1;

    private @Nullable SimulatedProcess process;
    private long stalledUntil;
    private long tickAt = Long.MAX_VALUE;
    private int life;

    SimulatedHost(EventQueue events, int number, Place place) {
        this.events = events;
        this.number = number;
        this.place = place;
        this.placeNumber = Place.ALL.indexOf(place);
        this.address = "h" + number;
    }

    public boolean isUp() {
        return process != null;
    }

    /** Which life this is, from 1. */
    public int life() {
        return life;
    }

    /** The time as this host sees it. */
    public long now() {
        return clock + (long) (events.now() * rate);
    }

    /** Begins a life with a clock of its own; {@link #run} follows. */
    void boot(long clockAtZero, double clockRate) {
        clock = clockAtZero;
        rate = clockRate;
        stalledUntil = 0;
        life++;
    }

    void run(SimulatedProcess started) {
        process = started;
        tickAt = Long.MAX_VALUE;
        schedule();
    }

    void kill() {
        process = null;
        life++;
    }

    /** The process does not run for a while; what comes for it waits. */
    void stall(long nanos) {
        stalledUntil = Math.max(stalledUntil, events.now() + nanos);
    }

    void deliver(byte[] message) {
        if (process == null) {
            return;
        }
        if (stalledUntil > events.now()) {
            int mine = life;
            events.at(stalledUntil, () -> {
                if (life == mine) {
                    deliver(message);
                }
            });
            return;
        }
        process.receive(message, now());
        schedule();
    }

    /** Has the process ticked when it wants to be; called after everything that may have changed that. */
    void schedule() {
        SimulatedProcess running = process;
        if (running == null) {
            return;
        }
        long wanted = running.deadline();
        long at = wanted == Long.MAX_VALUE
                ? wanted
                : Math.max((long) Math.ceil((wanted - clock) / rate) + 1, events.now());
        if (at < tickAt && at != Long.MAX_VALUE) {
            tickAt = at;
            int mine = life;
            events.at(at, () -> tick(mine, at));
        }
    }

    private void tick(int ofLife, long scheduledFor) {
        SimulatedProcess running = process;
        if (ofLife != life || running == null || tickAt != scheduledFor) {
            return;
        }
        if (stalledUntil > events.now()) {
            tickAt = stalledUntil;
            long at = stalledUntil;
            events.at(at, () -> tick(ofLife, at));
            return;
        }
        tickAt = Long.MAX_VALUE;
        running.tick(now());
        schedule();
    }
}
