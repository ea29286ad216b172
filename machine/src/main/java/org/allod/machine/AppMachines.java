package org.allod.machine;

import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.MachineId;

/**
 * One app's machines, without destroyed ones. They are sorted when a list is asked for, and the sorted list is kept
 * until one of them changes, since lists are read far more often. One thread at a time may change it; any may read.
 */
final class AppMachines {
    static final Comparator<Machine> OLDEST_FIRST =
            Comparator.comparing(Machine::created).thenComparing(Machine::id);

    /** @param of the number of changes when sorting began */
    private record Ordered(long of, List<Machine> machines) {}

    private final Map<MachineId, Machine> machines = new ConcurrentHashMap<>();
    private volatile long changes;
    private volatile Ordered ordered = new Ordered(0, List.of());

    /** Puts a machine or removes it; whether any is left. Must not be called by two threads at once. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread at a time
    boolean put(Machine machine, boolean there) {
        if (there) {
            machines.put(machine.id(), machine);
        } else {
            machines.remove(machine.id());
        }
        // Counted after the change, so that a list whose sorting began before it is not taken for current.
        changes++;
        return !machines.isEmpty();
    }

    /** A live view, in no order. */
    Collection<Machine> all() {
        return Collections.unmodifiableCollection(machines.values());
    }

    List<Machine> inOrder() {
        Ordered known = ordered;
        long now = changes;
        if (known.of() != now) {
            known = new Ordered(
                    now, machines.values().stream().sorted(OLDEST_FIRST).toList());
            ordered = known;
        }
        return known.machines();
    }
}
