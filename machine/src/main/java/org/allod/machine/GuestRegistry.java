package org.allod.machine;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import org.allod.base.MachineId;
import org.allod.base.SupervisedTask;
import org.allod.runtime.ExitStatus;
import org.allod.runtime.Guest;

/**
 * The guests this daemon holds on to: those it booted and those it found running and adopted. Each one's end is
 * reported once, to the supervisor.
 */
final class GuestRegistry {
    private final GuestSpecFactory specs;
    private final Map<MachineId, Guest> guests = new ConcurrentHashMap<>();
    private BiConsumer<Guest, ExitStatus> supervisor = (guest, exit) -> {};

    GuestRegistry(GuestSpecFactory specs) {
        this.specs = specs;
    }

    /** Who is told, on a virtual thread, that a guest's main process has ended. Set once, before any guest is held. */
    void setReconciler(BiConsumer<Guest, ExitStatus> who) {
        supervisor = who;
    }

    /** The guest of this machine if it runs: the one we hold, or one that an earlier daemon left running. */
    Optional<Guest> find(Machine machine) {
        Guest held = guests.get(machine.id());
        return held != null
                ? Optional.of(held)
                : specs.runtime(machine).find(machine.id()).map(this::hold);
    }

    /** Only the guest we hold already; asks nobody. */
    Optional<Guest> held(MachineId machine) {
        return Optional.ofNullable(guests.get(machine));
    }

    /**
     * Whether the machine's guest can be spoken to: a moment before the record says so, which is durable first. Who only
     * wants to use the guest need not wait for that; should we die in between, the run that started it goes on.
     */
    boolean isRunning(Machine machine) {
        return machine.state() == MachineState.STARTED
                || (machine.state() == MachineState.STARTING && guests.containsKey(machine.id()));
    }

    /** Takes a guest under supervision. */
    Guest hold(Guest guest) {
        if (!guest.equals(guests.put(guest.machine(), guest))) {
            // The future never fails, and what follows its end runs on a thread of its own.
            var _ = guest.exited()
                    .thenAccept(exit -> SupervisedTask.start(
                            "guest-ended",
                            "exit of " + guest.machine(),
                            () -> held(guest.machine()).filter(guest::equals).isPresent(),
                            () -> supervisor.accept(guest, exit)));
        }
        return guest;
    }

    void release(MachineId machine) {
        guests.remove(machine);
    }
}
