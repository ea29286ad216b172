package org.allod.machine;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * The memory of this host, as machines take it. Whoever is about to run a machine has the memory promised first, in one
 * moment with the look at what is left: a record says that its machine takes memory only once the run is durable, and
 * all who looked in between would see the same room. A promise lasts until the machine has settled. Safe for any thread.
 *
 * <p>Promises are in memory only: after a restart, the states of machines whose runs are resumed say the same.
 */
final class Room {
    private final Capacity capacity;
    private final Book book;

    /** Megabytes promised to machines that are about to run, or to run with more. */
    private final Map<MachineId, Integer> promised = new HashMap<>();

    Room(Capacity capacity, Book book) {
        this.capacity = capacity;
        this.book = book;
        book.listen(this::follow);
    }

    Capacity capacity() {
        return capacity;
    }

    /**
     * Promises the machine its memory and has its run begin; where none comes of it, the memory is free again.
     *
     * @param memoryMb what it is to run with, which an update may change
     * @throws org.allod.base.Rejected where the others have taken the room
     */
    <T, E extends Exception> T promised(Machine machine, int memoryMb, Leases.Gated<T, E> begin) throws E {
        promise(machine, memoryMb);
        boolean begun = false;
        try {
            T run = begin.run();
            begun = true;
            return run;
        } finally {
            if (!begun) {
                forget(machine.id());
            }
        }
    }

    /**
     * Refuses what there is no room for now; promises nothing.
     *
     * @throws org.allod.base.Rejected where the others have taken the room
     */
    synchronized void check(Machine machine, int memoryMb) {
        if (memoryMb > Capacity.taken(machine)) {
            capacity.room(memoryMb, taken(Optional.of(machine.id())));
        }
    }

    /** What a machine has already needs no promise, also where the host was given less memory since. */
    private synchronized void promise(Machine machine, int memoryMb) {
        check(machine, memoryMb);
        if (memoryMb > Capacity.taken(machine)) {
            promised.put(machine.id(), memoryMb);
        }
    }

    private synchronized void forget(MachineId id) {
        promised.remove(id);
    }

    private void follow(Machine m) {
        if (m.state().kind() != MachineState.Kind.TRANSIENT) {
            forget(m.id());
        }
    }

    /** How many machines of this size could be made and started now, one after the other. */
    synchronized int fits(int eachMb, int eachCpus) {
        return capacity.fits(eachMb, eachCpus, taken(Optional.empty()), book.size());
    }

    private long taken(Optional<MachineId> but) {
        long sum = 0;
        for (Machine m : book.all()) {
            if (!promised.containsKey(m.id()) && !but.equals(Optional.of(m.id()))) {
                sum += Capacity.taken(m);
            }
        }
        for (Map.Entry<MachineId, Integer> one : promised.entrySet()) {
            if (!but.equals(Optional.of(one.getKey()))) {
                int now = book.get(one.getKey()).map(Capacity::taken).orElse(0);
                sum += Math.max(one.getValue(), now);
            }
        }
        return sum;
    }
}
