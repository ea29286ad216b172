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
 * The machines that are being destroyed by force, and what that changes for their runs. A finalizer that fails is not
 * retried, since the destroy that waits for it removes the same and more. The destroy itself leaves behind what it
 * cannot remove and records that, provided that no guest runs and no volume is in use.
 */
final class ForcedDestroys {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** Attempts to remove everything, before the destroy completes and leaves something behind. */
    private static final int MOST = 3;

    /** In memory only; after a restart the resumed runs add their machines again. */
    private final Set<MachineId> machines = ConcurrentHashMap.newKeySet();

    /** Called before the destroy's run is durable. Returns false if a forced destroy is under way already. */
    boolean begin(MachineId machine) {
        return machines.add(machine);
    }

    void end(MachineId machine) {
        machines.remove(machine);
    }

    /** Wraps a finalizer so that it gives up, instead of retrying, if a forced destroy waits. */
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
     * @param halt ends the guest and unmounts its volumes, which must succeed in any case
     * @return what a forced destroy left behind, and why; empty if nothing
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
