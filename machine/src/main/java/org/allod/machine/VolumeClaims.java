package org.allod.machine;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;

/**
 * Claims the volumes that a create or update of a machine needs, and gives them back if it fails.
 *
 * @param maker creates volumes that a configuration asks for and that do not exist
 * @param remover deletes those that were created in vain
 */
record VolumeClaims(VolumeAttachments attachments, VolumeAttachments.Maker maker, Remover remover) {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    /** Deletes a volume. */
    interface Remover {
        void remove(Volume volume) throws InterruptedException;
    }

    /**
     * What a claim has got.
     *
     * @param config the configuration with the volumes' ids filled in
     * @param made the volumes that were created for it
     */
    record Claimed(MachineConfig config, List<Volume> made) {}

    /**
     * Attaches every volume that {@code config} names, and creates those that do not exist. Creating takes up to a
     * minute for each, so the caller must hold no lock.
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

    /** Attaches a claim's volumes again, since an update that ended meanwhile may have detached them. Does not wait. */
    void again(String app, MachineId machine, String runtime, Claimed claimed) {
        attachments.claim(app, machine, runtime, claimed.config());
    }

    /** Detaches volumes that the machine's record does not name; all of them if there is no record. */
    void settle(MachineId machine) {
        attachments.settle(machine);
    }

    /** Deletes the volumes that a failed create or update made; call it after they are detached. */
    void undo(Claimed claimed) {
        for (Volume volume : claimed.made()) {
            try {
                remover.remove(volume);
            } catch (RejectedException e) {
                // Another machine has attached it meanwhile and keeps it.
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
