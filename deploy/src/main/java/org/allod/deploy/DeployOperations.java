package org.allod.deploy;

import java.util.List;
import java.util.Optional;

/**
 * What a deploy does to machines and images. Every operation is idempotent: it may be called again after a crash in the
 * middle of the first call, and looks for what is already there. {@link MachineDeployOperations} is the real
 * implementation; tests of the run type have a model.
 */
interface DeployOperations {
    /** Makes the image ready; returns its name pinned to its digest, since tags move. */
    String pin(Deploy deploy, String image);

    /**
     * Runs the deploy's release command in a machine of its own; returns once it has succeeded. If an earlier attempt
     * made the machine, waits for that one.
     *
     * @throws MachineUnhealthy if it failed; the machine stays, with its output, until the app's next deploy
     */
    void release(Deploy deploy) throws InterruptedException;

    /** Destroys the machine of a release command; one whose command has failed, only if {@code all}. */
    void destroyReleaseMachine(Deploy deploy, boolean all) throws InterruptedException;

    /** The app's machines that deploys made, each in a lasting state. */
    List<ObservedMachine> survey(String app) throws InterruptedException;

    /**
     * Carries out one effect.
     *
     * @return the machine's id
     * @throws MachineGone if the machine is gone
     * @throws Leased if somebody has leased it
     * @throws org.allod.base.RejectedException if it is refused; a conflict or lack of capacity may pass with time
     * @throws org.allod.base.FailedException if the host fails to carry it out
     */
    String perform(Deploy deploy, Slot slot, DeployEffect effect) throws InterruptedException;

    /**
     * How the machines differ from what the deploy made them, because somebody else changed or destroyed one; empty if
     * they do not. Called at the last moment at which the deploy can still be rolled back.
     */
    Optional<String> findDrift(Deploy deploy, DeployState end);

    /** The machine is gone. */
    final class MachineGone extends RuntimeException {
        MachineGone(String machine) {
            super("machine " + machine + " is gone", null, false, false);
        }
    }

    /** Somebody has leased the machine, so a deploy cannot change it until the lease ends. */
    final class Leased extends RuntimeException {
        Leased(String why) {
            super(why, null, false, false);
        }
    }

    /** The machine exists and does not work as it should; another attempt would not help. */
    final class MachineUnhealthy extends RuntimeException {
        MachineUnhealthy(String why) {
            super(why, null, false, false);
        }
    }
}
