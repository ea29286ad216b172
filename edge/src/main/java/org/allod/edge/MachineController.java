package org.allod.edge;

import java.util.concurrent.CompletionStage;
import org.allod.base.MachineId;

/**
 * What the edge asks of the rest of the house. Both may be called from any thread, always on a virtual thread of their
 * own, so they may block.
 */
public interface MachineController {
    /**
     * Brings a machine up, and completes when its guest runs (not: when its process listens; the edge finds that out
     * by knocking). Starts a stopped machine, resumes a suspended one, joins a start that is under way, waits out a
     * stop that is under way, and completes at once for a machine that runs. The edge asks once however many requests
     * wait.
     *
     * @return the machine as it now is, with the address to send requests to; or a failure whose message says why, for
     *     the person whose request was held
     */
    CompletionStage<Backend> wake(MachineId machine);

    /**
     * As above, for one of the machine's services.
     *
     * @param port where the service was, by the catalog at hand
     */
    default CompletionStage<Backend> wake(MachineId machine, int port) {
        return wake(machine);
    }

    /**
     * Nobody waits for a wake any more. Drops it where the machine has not begun to come up; else it goes on.
     */
    default void abandonWake(MachineId machine) {}

    /**
     * Puts a machine to sleep that the edge found idle. No request is under way and none is sent until the answer
     * completes, whichever way.
     */
    CompletionStage<Void> stopIdle(MachineId machine, Autostop how);
}
