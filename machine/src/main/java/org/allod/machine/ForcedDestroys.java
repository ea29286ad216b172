package org.allod.machine;

import java.lang.System.Logger.Level;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.MachineId;
import org.allod.fsm.Abort;
import org.allod.fsm.Finalizer;
import org.allod.fsm.StepContext;
import org.allod.fsm.TerminalException;

/**
 * Machines that are being destroyed by force, and what that means for their runs: a finalizer of theirs that fails is not
 * tried again, as the destroy that waits behind it does the same and more; and the destroy itself leaves behind what it
 * cannot remove, and says so, as long as no guest runs and no volume is held.
 */
final class ForcedDestroys {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** After this many tries the host is not going to do it, and a machine that cannot be destroyed helps nobody. */
    private static final int MOST = 3;

    /** Durable as the runs that they stand for: those tell of them again after a restart. */
    private final Set<MachineId> machines = ConcurrentHashMap.newKeySet();

    /** Before its run is on record. Whether nobody had begun it. */
    boolean begin(MachineId machine) {
        return machines.add(machine);
    }

    void end(MachineId machine) {
        machines.remove(machine);
    }

    /** A finalizer that gives way to a destroy by force. */
    <Q> Finalizer<Q, LifecycleRequests.Progress> yielding(Finalizer<Q, LifecycleRequests.Progress> body) {
        return (c, outcome) -> {
            try {
                body.run(c, outcome);
            } catch (TerminalException | InterruptedException | OutOfMemoryError e) {
                throw e;
            } catch (Exception | Error e) {
                if (!machines.contains(new MachineId(c.subject()))) {
                    throw e;
                }
                LOG.log(Level.WARNING, "machine " + c.subject() + ": left to its destroy by force", e);
                throw new Abort("left to the destroy by force: " + e.getMessage());
            }
        };
    }

    /**
     * Removes everything of a machine.
     *
     * @param halt ends the guest and lets go of its volumes: what must succeed in any case
     * @return what is left of one that is destroyed by force, and why
     */
    Optional<String> remove(StepContext<?, ?> c, Runnable remove, Runnable halt) {
        try {
            remove.run();
            return Optional.empty();
        } catch (RuntimeException e) {
            if (c.attempt() < MOST || !machines.contains(new MachineId(c.subject()))) {
                throw e;
            }
            halt.run();
            LOG.log(Level.WARNING, "machine " + c.subject() + " is destroyed and something of it is left", e);
            return Optional.of("left on the host until the daemon's next start: " + e.getMessage());
        }
    }
}
