package org.allod.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.allod.state.ChangeSet;
import org.allod.state.Dot;
import org.allod.state.MemoryReplica;

/** Checks the invariants that must hold at every moment, while the simulation runs. */
final class StateChecker {
    /** Change sets that somebody may know: those that were acknowledged, or may be on a disk. */
    private final TreeMap<Dot, ChangeSet> written = new TreeMap<>();

    private final TreeMap<Dot, ChangeSet> told = new TreeMap<>();
    private final TreeSet<String> incarnations = new TreeSet<>();
    private final List<String> log;
    private final EventQueue events;

    StateChecker(EventQueue events, List<String> log) {
        this.events = events;
        this.log = log;
    }

    /** How far one change set has come. */
    static final class Spread {
        private final int host;
        private final long told;
        private long last;
        private int reached;

        Spread(int host, long told) {
            this.host = host;
            this.told = told;
        }

        int host() {
            return host;
        }

        long told() {
            return told;
        }

        long last() {
            return last;
        }

        int reached() {
            return reached;
        }
    }

    private final TreeMap<Dot, Spread> spreads = new TreeMap<>();
    private boolean watching;

    /** Notes from now on how change sets spread. */
    void watch() {
        watching = true;
    }

    java.util.Collection<Spread> spreads() {
        return spreads.values();
    }

    void log(String what) {
        log.add("%12.6f  %s".formatted(events.now() / 1e9, what));
    }

    /** The number of a change set that was lost before anybody knew it may be given out again. */
    void written(SimulatedHost host, ChangeSet set) {
        ChangeSet before = told.get(set.dot());
        if (before != null) {
            throw new Violation("host " + host.number + " gives out number " + set.dot() + " twice");
        }
        written.put(set.dot(), set);
    }

    void acknowledged(SimulatedHost host, ChangeSet set) {
        told.put(set.dot(), set);
        if (watching) {
            spreads.put(set.dot(), new Spread(host.number, events.now()));
        }
        log("h%d acknowledges %s, %d rows"
                .formatted(host.number, set.dot(), set.rows().size()));
    }

    void delivered(SimulatedHost host, ChangeSet set) {
        ChangeSet original = told.get(set.dot());
        if (original == null || !original.equals(set)) {
            throw new Violation("host " + host.number + " is told " + set.dot() + ", which its site has not told so");
        }
        Spread spread = watching ? spreads.get(set.dot()) : null;
        if (spread != null) {
            spread.reached++;
            spread.last = events.now();
        }
    }

    void booted(SimulatedHost host, long incarnation, MemoryReplica replica) {
        if (!incarnations.add(host.number + "/" + incarnation)) {
            throw new Violation("host " + host.number + " begins two lives with incarnation " + incarnation);
        }
        for (Dot dot : told.keySet()) {
            if (dot.site().equals(replica.site()) && !replica.seen().contains(dot)) {
                throw new Violation("host " + host.number + " has lost " + dot + ", which it acknowledged");
            }
        }
        // Flushed, not acknowledged: a crash came between. It is on the disk, so it counts.
        for (Map.Entry<Dot, ChangeSet> entry : written.entrySet()) {
            if (entry.getKey().site().equals(replica.site()) && replica.seen().contains(entry.getKey())) {
                told.put(entry.getKey(), entry.getValue());
            }
        }
    }

    int acknowledgedCount() {
        return told.size();
    }

    /** Everything that was acknowledged or is on a disk, merged by the definition. */
    MemoryReplica expected() {
        MemoryReplica replica = new MemoryReplica(
                StateProcess.site(new SimulatedHost(events, 0, Place.ALL.getFirst())), StateWorkload.SCHEMA);
        List<ChangeSet> all = new ArrayList<>(told.values());
        replica.apply(all);
        return replica;
    }
}
