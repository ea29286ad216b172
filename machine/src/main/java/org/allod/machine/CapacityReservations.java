package org.allod.machine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.MachineId;

/**
 * Reserves this host's memory and disk, and the ports of its edge, for machines. An operation that runs a machine or
 * changes its configuration reserves what that needs first, atomically with the check of what is left. A record shows
 * that its machine uses capacity only once the run is durable or well under way, and operations in between would all
 * see the same capacity as free. A reservation lasts until the machine is in a lasting state. Safe for any thread.
 *
 * <p>Reservations are in memory only. After a restart the states of machines whose runs resume show the same memory as
 * used.
 */
final class CapacityReservations {
    private final Capacity capacity;
    private final DiskAdmission disk;
    private final MachineIndex index;
    private final Map<MachineId, Promise> withReservation = new HashMap<>();

    /**
     * @param memoryMb for a machine that is about to run, or to run with more; otherwise 0
     * @param diskBytes the same for its writable layer
     * @param savedBytes for its memory that is about to be saved; otherwise 0
     * @param next the machine with a configuration that its record does not have yet
     */
    private record Promise(int memoryMb, long diskBytes, long savedBytes, Optional<Machine> next) {}

    CapacityReservations(Capacity capacity, DiskAdmission disk, MachineIndex index) {
        this.capacity = capacity;
        this.disk = disk;
        this.index = index;
        index.listen(this::follow);
    }

    Capacity capacity() {
        return capacity;
    }

    /**
     * Reserves the machine's memory and starts its run; if that throws, the memory is free again.
     *
     * @throws org.allod.base.RejectedException if not enough is left
     */
    <T, E extends Exception> T withReservation(Machine machine, Leases.Gated<T, E> begin) throws E {
        return withReservation(machine, machine.config().memoryMb(), Optional.empty(), begin);
    }

    /**
     * The same for a machine that gets a configuration; its ports are reserved too.
     *
     * @param now the machine as it is
     * @param next the machine as it is to be; equal to {@code now} if it is new
     * @param runs whether it is to run with the configuration
     */
    <T, E extends Exception> T withReservation(Machine now, Machine next, boolean runs, Leases.Gated<T, E> begin)
            throws E {
        return withReservation(now, runs ? next.config().memoryMb() : 0, Optional.of(next), begin);
    }

    private <T, E extends Exception> T withReservation(
            Machine machine, int memoryMb, Optional<Machine> next, Leases.Gated<T, E> begin) throws E {
        promise(machine, memoryMb, next);
        return begin(machine, begin);
    }

    private <T, E extends Exception> T begin(Machine machine, Leases.Gated<T, E> begin) throws E {
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

    private synchronized void promise(Machine machine, int memoryMb, Optional<Machine> next) {
        next.ifPresent(this::ports);
        check(machine, memoryMb);
        long diskBytes = memoryMb > 0 ? disk.promise(next.orElse(machine).config()) : 0;
        boolean fresh = index.get(machine.id()).isEmpty();
        if (fresh || (diskBytes > 0 && Capacity.memoryOf(machine) == 0)) {
            disk.admit(diskBytes, outstanding(machine.id()));
        }
        withReservation.put(machine.id(), new Promise(memoryMb, diskBytes, 0, next));
    }

    /**
     * Promises the disk that a machine's memory takes once it is saved, and has its suspend begin. Refused where there is
     * no room: a machine that runs on is worth more than one whose saving fills the disk.
     *
     * @throws org.allod.base.RejectedException where the disk is nearly full, or promised
     */
    <T, E extends Exception> T withSaveReservation(Machine machine, Leases.Gated<T, E> begin) throws E {
        promiseSaved(machine);
        return begin(machine, begin);
    }

    private synchronized void promiseSaved(Machine machine) {
        long bytes = (long) machine.config().memoryMb() << 20;
        disk.admit(bytes, outstanding(machine.id()));
        // It runs until its memory is saved, so its layer stays promised as well.
        withReservation.put(machine.id(), new Promise(0, disk.promise(machine.config()), bytes, Optional.empty()));
    }

    /** Bytes of disk that are promised to all machines but {@code but}, and not written yet. */
    private long outstanding(MachineId but) {
        long sum = 0;
        for (Machine m : index.all()) {
            if (Capacity.memoryOf(m) > 0 && !withReservation.containsKey(m.id()) && !m.id().equals(but)) {
                sum += Math.max(0, disk.promise(m.config()) - disk.held(m.id()));
            }
        }
        for (Map.Entry<MachineId, Promise> one : withReservation.entrySet()) {
            if (!one.getKey().equals(but)) {
                sum += Math.max(0, one.getValue().diskBytes() - disk.held(one.getKey()))
                        + one.getValue().savedBytes();
            }
        }
        return sum;
    }

    private void ports(Machine next) {
        PortConflicts.check(next.config(), next.app(), next.id(), index.all());
        List<Machine> coming = withReservation.values().stream()
                .flatMap(p -> p.next().stream())
                .toList();
        PortConflicts.check(next.config(), next.app(), next.id(), coming);
    }

    /**
     * Refuses what does not fit now, and reserves nothing. Memory that the machine has already always fits, even if the
     * host was given less since.
     *
     * @throws org.allod.base.RejectedException if not enough is left
     */
    synchronized void check(Machine machine, int memoryMb) {
        if (memoryMb > Capacity.memoryOf(machine)) {
            capacity.room(memoryMb, reserved(Optional.of(machine.id())));
        }
    }

    private synchronized void forget(MachineId id) {
        withReservation.remove(id);
    }

    private void follow(Machine m) {
        if (m.state().kind() != MachineState.Kind.TRANSIENT) {
            forget(m.id());
        }
    }

    /** How many machines of this size could be created and started now, one after the other. */
    synchronized int countThatFit(int eachMb, int eachCpus) {
        return capacity.fits(eachMb, eachCpus, reserved(Optional.empty()), index.size());
    }

    private long reserved(Optional<MachineId> but) {
        long sum = 0;
        for (Machine m : index.all()) {
            if (!withReservation.containsKey(m.id()) && !but.equals(Optional.of(m.id()))) {
                sum += Capacity.memoryOf(m);
            }
        }
        for (Map.Entry<MachineId, Promise> one : withReservation.entrySet()) {
            if (!but.equals(Optional.of(one.getKey()))) {
                int now = index.get(one.getKey()).map(Capacity::memoryOf).orElse(0);
                sum += Math.max(one.getValue().memoryMb(), now);
            }
        }
        return sum;
    }
}
