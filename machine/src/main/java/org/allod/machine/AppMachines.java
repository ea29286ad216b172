package org.allod.machine;

import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.MachineId;

/**
 * One app's living machines. They are put in order when somebody asks for that, and stay so until one of them changes:
 * lists are read far more often than machines change. Changed by one thread at a time, read by any.
 */
final class AppMachines {
    static final Comparator<Machine> OLDEST_FIRST =
            Comparator.comparing(Machine::created).thenComparing(Machine::id);

    /** @param of how many changes there had been when it was begun */
    private record Ordered(long of, List<Machine> machines) {}

    private final Map<MachineId, Machine> machines = new ConcurrentHashMap<>();
    private volatile long changes;
    private volatile Ordered ordered = new Ordered(0, List.of());

    /** Puts a machine or takes it out; whether any is left. Not by two threads at once. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread at a time
    boolean put(Machine machine, boolean there) {
        if (there) {
            machines.put(machine.id(), machine);
        } else {
            machines.remove(machine.id());
        }
        // After the change: an order begun before it is not taken for one that has it.
        changes++;
        return !machines.isEmpty();
    }

    /** In no order, as they are while they are gone through. */
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
