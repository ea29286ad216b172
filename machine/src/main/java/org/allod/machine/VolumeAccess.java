package org.allod.machine;

import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.linux.Ext4;
import org.allod.linux.FileCopy;
import org.allod.linux.Luks;
import org.allod.runtime.Guest;
import org.allod.runtime.GuestSpec;
import org.allod.runtime.QuiesceMode;

/** Works on volumes together with the machine that uses them: quiesces them for a copy, grows and measures them. */
final class VolumeAccess implements VolumeResolver {
    private static final System.Logger LOG = System.getLogger("allod.machine");

    private final VolumeIndex volumes;
    private final VolumeFiles files;
    private final VolumeKeyStore keys;
    /** Volumes that are being copied, with the number of copies: they cannot be attached or deleted meanwhile. */
    private final Map<VolumeId, Integer> copying = new HashMap<>();
    /** Snapshots that are being restored, with the number of restores: they cannot be removed meanwhile. */
    private final Map<SnapshotId, Integer> restoring = new HashMap<>();

    VolumeAccess(VolumeIndex volumes, VolumeFiles files, VolumeKeyStore keys) {
        this.volumes = volumes;
        this.files = files;
        this.keys = keys;
    }

    /** The machine that a volume is attached to, and the volume as its guest knows it. */
    private record Place(Machine machine, GuestSpec.Volume volume) {}

    @Override
    public List<GuestSpec.Volume> of(MachineConfig config) {
        return config.mounts().stream().map(this::disk).toList();
    }

    private GuestSpec.Volume disk(MachineConfig.Mount mount) {
        Volume volume = VolumeId.parse(mount.volume())
                .flatMap(volumes::get)
                .orElseThrow(() -> RejectedException.notFound(
                        "volume " + mount.volume() + ", which is to be mounted at " + mount.path() + ", is gone"));
        return new GuestSpec.Volume(
                volume.id().text(),
                files.image(volume.id()),
                files.mount(volume.id()),
                mount.path(),
                volume.encrypted()
                        ? Optional.of(() -> Luks.passphrase(key(volume.id())).getBytes(StandardCharsets.US_ASCII))
                        : Optional.empty());
    }

    /** The key of an encrypted volume. */
    byte[] key(VolumeId id) {
        return keys.key(id)
                .orElseThrow(() -> new FailedException("the key of volume " + id + " is lost: it cannot be opened"));
    }

    private Optional<Place> place(Volume volume, MachineIndex index) {
        return volume.attached()
                .flatMap(index::get)
                .flatMap(machine -> machine.config().mounts().stream()
                        .filter(mount -> mount.volume().equals(volume.id().text()))
                        .findFirst()
                        .map(mount -> new Place(machine, disk(mount))));
    }

    /** Runs {@code work} while nothing writes to the volume. */
    <T> T whileStill(VolumeId id, MachineIndex index, GuestSpecFactory specs, QuiesceMode.Work<T> work)
            throws InterruptedException {
        synchronized (copying) {
            copying.merge(id, 1, Integer::sum);
        }
        try {
            // Read under the lock under which volumes are attached and deleted: an earlier change is seen here, a later
            // one is refused because the volume is being copied.
            Volume volume =
                    volumes.change(id, v -> v).orElseThrow(() -> new FailedException("volume " + id + " is gone"));
            if (volume.state() == VolumeState.DESTROYING) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "volume %s is being deleted".formatted(id),
                        "copy another one");
            }
            Optional<Place> place = place(volume, index);
            if (place.isPresent()) {
                Machine machine = place.get().machine();
                return specs.runtime(machine)
                        .withVolumeQuiesced(machine.id(), place.get().volume(), work);
            }
            if (volume.attached().isPresent()) {
                // Its machine is not recorded yet or is being updated, so a guest may begin or still use the volume.
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "volume %s is on its way to or from machine %s"
                                .formatted(id, volume.attached().get()),
                        "try again in a moment");
            }
            return work.run(QuiesceMode.IDLE);
        } finally {
            synchronized (copying) {
                copying.merge(id, -1, (a, b) -> a + b == 0 ? null : a + b);
            }
        }
    }

    /** Runs {@code work} during which the snapshot cannot be removed. */
    <T> T whileKept(SnapshotId id, Callable<T> work) throws Exception {
        synchronized (restoring) {
            restoring.merge(id, 1, Integer::sum);
        }
        try {
            return work.call();
        } finally {
            synchronized (restoring) {
                restoring.merge(id, -1, (a, b) -> a + b == 0 ? null : a + b);
            }
        }
    }

    /** Removes a snapshot unless it is being restored; returns whether it did. */
    boolean removed(SnapshotId id, Runnable removal) {
        synchronized (restoring) {
            if (restoring.containsKey(id)) {
                return false;
            }
            removal.run();
            return true;
        }
    }

    /** Whether the host's kernel still has the volume's file system mounted, although no machine uses it. */
    boolean isMounted(VolumeId id) {
        return files.isStillMounted(id);
    }

    boolean isBeingCopied(VolumeId id) {
        synchronized (copying) {
            return copying.containsKey(id);
        }
    }

    /** Tells the guest that the disk has grown. False: the guest sees it only after a restart of the machine. */
    boolean grow(Volume volume, long bytes, MachineIndex index, GuestRegistry guests) {
        Optional<Place> place = place(volume, index);
        Optional<Guest> guest = place.flatMap(p -> guests.find(p.machine()));
        if (guest.isEmpty()) {
            return true;
        }
        try {
            guest.get().grow(place.get().volume(), bytes);
            return true;
        } catch (FailedException e) {
            LOG.log(Level.WARNING, "volume " + volume.id() + " grows when its machine is started again", e);
            return false;
        }
    }

    /** The used and free space: asked of the guest that has it mounted, otherwise read from the disk. */
    Ext4.Space space(Volume volume, MachineIndex index, GuestRegistry guests) {
        Optional<Place> place = place(volume, index);
        Optional<Guest> guest = place.flatMap(p -> guests.held(p.machine().id()));
        if (guest.isPresent()) {
            try {
                return guest.get().space(place.get().volume());
            } catch (FailedException e) {
                LOG.log(Level.DEBUG, "volume " + volume.id() + " cannot be measured by its guest", e);
            }
        }
        long block = 4096;
        Optional<Ext4.Space> read = volume.encrypted() || volume.state() == VolumeState.CREATING
                ? Optional.empty()
                : Ext4.read(files.image(volume.id()));
        return read.orElseGet(() -> {
            long blocks = volume.bytes() / block;
            long free = Math.max(0, blocks - FileCopy.allocated(files.image(volume.id())) / block);
            return new Ext4.Space(block, blocks, free, free);
        });
    }
}
