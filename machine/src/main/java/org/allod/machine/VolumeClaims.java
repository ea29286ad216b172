package org.allod.machine;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;

/**
 * How a machine comes to its volumes, for those who create and update machines.
 *
 * @param maker of volumes that a configuration asks for and that are not there
 * @param remover of those that were made for nothing
 */
record VolumeClaims(VolumeAttachments attachments, VolumeAttachments.Maker maker, Remover remover) {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** Deletes a volume. */
    interface Remover {
        void remove(Volume volume) throws InterruptedException;
    }

    /**
     * What a machine was given.
     *
     * @param config with the volumes' ids filled in
     * @param made those that were not there before
     */
    record Claimed(MachineConfig config, List<Volume> made) {}

    /**
     * Takes every volume that {@code config} names, and makes those that it asks for: up to a minute for each, so no lock
     * is held by the caller.
     */
    Claimed claim(String app, MachineId machine, String runtime, MachineConfig config) throws InterruptedException {
        List<Volume> made = new ArrayList<>();
        try {
            MachineConfig named = attachments.claim(app, machine, runtime, config, (a, name, size, encrypted) -> {
                Volume volume = maker.make(a, name, size, encrypted);
                made.add(volume);
                return volume;
            });
            return new Claimed(named, List.copyOf(made));
        } catch (RuntimeException | InterruptedException e) {
            undo(new Claimed(config, made));
            throw e;
        }
    }

    /** Takes again what a claim has taken, which an update that ended meanwhile may have let go; short. */
    void again(String app, MachineId machine, String runtime, Claimed claimed) {
        attachments.claim(app, machine, runtime, claimed.config());
    }

    /** Lets go of what the machine's record does not name: all, where there is no record. */
    void settle(MachineId machine) {
        attachments.settle(machine);
    }

    /** Deletes what was made for a machine that is not to have it, after it has been let go of. */
    void undo(Claimed claimed) {
        for (Volume volume : claimed.made()) {
            try {
                remover.remove(volume);
            } catch (RejectedException e) {
                // Another machine has taken it meanwhile: it is that one's.
                LOG.log(System.Logger.Level.DEBUG, "volume " + volume.id() + " is kept", e);
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.WARNING, "volume " + volume.id() + ", made for nothing, is left", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
