package org.allod.edge;

import java.util.concurrent.CompletionStage;
import org.allod.base.MachineId;

/**
 * What the edge requires of the host. Both operations may be called from any thread, always on a virtual thread of
 * their own, so they may block.
 */
public interface MachineController {
    /**
     * Brings a machine up, and completes when its guest runs (not when its process listens: the edge finds that out by
     * connecting). Starts a stopped machine, resumes a suspended one, joins a start in progress, waits for a stop in
     * progress to end, and completes at once for a machine that runs. The edge calls it once however many requests
     * wait.
     *
     * @return the machine as it is now, with the address to send requests to; or a failure whose message says why, for
     *     the person whose request was held
     */
    CompletionStage<Backend> wake(MachineId machine);

    /**
     * As above, for one of the machine's services.
     *
     * @param port the service's port in the current catalog
     */
    default CompletionStage<Backend> wake(MachineId machine, int port) {
        return wake(machine);
    }

    /**
     * No request waits for this wake any more. Drops it if the machine has not begun to come up; otherwise it
     * continues.
     */
    default void abandonWake(MachineId machine) {}

    /**
     * Puts an idle machine to sleep. No request is in flight and none is sent until the result completes, normally or
     * with a failure.
     */
    CompletionStage<Void> stopIdle(MachineId machine, Autostop how);
}
