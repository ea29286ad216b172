package org.allod.deploy;

import java.util.List;
import java.util.Optional;

/**
 * What a deploy does to the world. Everything may be asked for a second time, after a crash in the middle of the first:
 * each looks for what is already there. The real one is {@link MachineDeployOperations}; the model in the tests of the run type
 * is another.
 */
interface DeployOperations {
    /** Makes the image ready; its name with its content pinned, since tags move. */
    String pin(Deploy deploy, String image);

    /**
     * Runs the deploy's release command in a machine of its own, and returns once it has ended well. The machine of an
     * earlier attempt is waited for, not made again.
     *
     * @throws Unfit where it did not; the machine stays, with what it wrote, until the app's next deploy
     */
    void release(Deploy deploy) throws InterruptedException;

    /** Takes away the machine of a release command; one that has failed of its own, only where {@code all}. */
    void destroyReleaseMachine(Deploy deploy, boolean all) throws InterruptedException;

    /** The app's machines that deploys made, each in a state that lasts. */
    List<ObservedMachine> survey(String app) throws InterruptedException;

    /**
     * Carries out one effect.
     *
     * @return the machine's id
     * @throws Vanished where the machine is gone
     * @throws Leased where somebody has leased it
     * @throws org.allod.base.RejectedException where it is refused; a conflict or lack of room may pass with time
     * @throws org.allod.base.FailedException where the world is at fault
     */
    String perform(Deploy deploy, Slot slot, DeployEffect effect) throws InterruptedException;

    /**
     * Whether somebody else has changed or taken away what the deploy has brought to the new version; then why it is not
     * what was asked for. Looked for at the last moment that the deploy can still go back.
     */
    Optional<String> findDrift(Deploy deploy, DeployState end);

    /** The machine is gone. */
    final class MachineGone extends RuntimeException {
        MachineGone(String machine) {
            super("machine " + machine + " is gone", null, false, false);
        }
    }

    /** Somebody has leased the machine: nobody else changes it until they are done, or the lease ends. */
    final class Leased extends RuntimeException {
        Leased(String why) {
            super(why, null, false, false);
        }
    }

    /** The machine is there and does not do what it should: no use in trying again. */
    final class MachineUnhealthy extends RuntimeException {
        MachineUnhealthy(String why) {
            super(why, null, false, false);
        }
    }
}
