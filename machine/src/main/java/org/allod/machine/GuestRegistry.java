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
 * The guests that this daemon holds: those that it booted and those that it adopted. The exit of each is reported once,
 * to the reconciler.
 */
final class GuestRegistry {
    private final GuestSpecFactory specs;
    private final Map<MachineId, Guest> guests = new ConcurrentHashMap<>();
    private BiConsumer<Guest, ExitStatus> supervisor = (guest, exit) -> {};

    GuestRegistry(GuestSpecFactory specs) {
        this.specs = specs;
    }

    /** Sets what is called, on a virtual thread, when a guest's main process exits. Called once, before any is held. */
    void setReconciler(BiConsumer<Guest, ExitStatus> who) {
        supervisor = who;
    }

    /** The machine's running guest: the one held here, or one that an earlier daemon started, which is then adopted. */
    Optional<Guest> find(Machine machine) {
        Guest held = guests.get(machine.id());
        return held != null
                ? Optional.of(held)
                : specs.runtime(machine).find(machine.id()).map(this::hold);
    }

    /** The guest if it is held here already; does not ask the runtime. */
    Optional<Guest> held(MachineId machine) {
        return Optional.ofNullable(guests.get(machine));
    }

    /**
     * Whether the machine's guest can be used. That is so a moment before the record says it, because the record is
     * written durably first. Using the guest earlier is safe: if the daemon dies in between, the run that started it
     * resumes.
     */
    boolean isRunning(Machine machine) {
        return machine.state() == MachineState.STARTED
                || (machine.state() == MachineState.STARTING && guests.containsKey(machine.id()));
    }

    /** Holds a guest and reports its exit. */
    Guest hold(Guest guest) {
        if (!guest.equals(guests.put(guest.machine(), guest))) {
            // The future never fails, and the exit is handled on a thread of its own.
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
