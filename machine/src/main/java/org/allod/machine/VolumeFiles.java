package org.allod.machine;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.linux.Command;
import org.allod.linux.DurableFiles;
import org.allod.linux.Ext4;
import org.allod.linux.FileCopy;
import org.allod.linux.LoopDevices;
import org.allod.linux.LoopMount;
import org.allod.linux.Luks;

/**
 * Volumes and snapshots as files: {@code volumes/ID/disk.img} with {@code mnt} beside it for the host's mount, and {@code
 * snapshots/ID.img}. A file has its name once it is whole and on disk. Each method may be repeated.
 *
 * <p>Files are sparse, so a volume takes what was written to it. So that no guest meets a full disk under a volume it
 * was promised, what all volumes may still come to write must fit (but for blocks that copies share, which is the gain).
 */
final class VolumeFiles {
    /** What the host keeps for itself: logs, records, images on their way. */
    private static final long RESERVE = 1L << 30;

    private final Path volumes;
    private final Path snapshots;
    private Optional<Boolean> supportsReflink = Optional.empty();
    /** Asked for by requests under way: two at once must not each be promised the same room. */
    private long spokenFor;
    /** What running machines were promised of the same disk and have not written yet. */
    private volatile LongSupplier layers = () -> 0;

    /** @param data the daemon's folder */
    VolumeFiles(Path data) {
        this.volumes = data.resolve("volumes");
        this.snapshots = data.resolve("snapshots");
    }

    /** Who says what running machines may still write. Set once, before anything is asked for. */
    void beside(LongSupplier machines) {
        layers = machines;
    }

    private Path folder(VolumeId id) {
        return volumes.resolve(id.text());
    }

    Path image(VolumeId id) {
        return folder(id).resolve("disk.img");
    }

    Path image(SnapshotId id) {
        return snapshots.resolve(id.text() + ".img");
    }

    Path mount(VolumeId id) {
        return folder(id).resolve("mnt");
    }

    /** Makes an empty volume, encrypted where there is a key. */
    void make(Volume volume, Optional<byte[]> key) {
        Path image = image(volume.id());
        if (Files.exists(image)) {
            return;
        }
        try {
            Files.createDirectories(folder(volume.id()));
            Path half = image.resolveSibling("disk.img.half");
            Files.deleteIfExists(half);
            resize(half, volume.bytes());
            Ext4.make(half);
            if (key.isPresent()) {
                Path locked = image.resolveSibling("disk.img.locked.half");
                Luks.make(half, locked, key.get());
                Files.delete(half);
                Files.move(locked, half);
            }
            DurableFiles.sync(half);
            DurableFiles.publish(half, image);
            DurableFiles.sync(volumes);
        } catch (IOException e) {
            throw failed("make the volume " + volume.id(), e);
        }
    }

    /** Fills a new volume from a file, and makes it as large as it is to be; its file system grows when next mounted. */
    FileCopy.Method fill(Volume volume, Path from) throws InterruptedException {
        Path image = image(volume.id());
        try {
            Files.createDirectories(folder(volume.id()));
            FileCopy.Method method = FileCopy.copy(from, image, bytes -> {});
            extend(volume.id(), volume.bytes());
            DurableFiles.sync(volumes);
            return method;
        } catch (IOException e) {
            throw failed("fill the volume " + volume.id(), e);
        }
    }

    FileCopy.Method snapshot(VolumeId volume, SnapshotId snapshot) throws InterruptedException {
        try {
            Files.createDirectories(snapshots);
            return FileCopy.copy(image(volume), image(snapshot), bytes -> {});
        } catch (IOException e) {
            throw failed("take the snapshot " + snapshot + " of " + volume, e);
        }
    }

    /** Makes the disk larger; a file system in it stays as it is. */
    void extend(VolumeId id, long bytes) {
        Path image = image(id);
        try {
            long file = bytes + Luks.header(image);
            if (Files.size(image) < file) {
                resize(image, file);
                DurableFiles.sync(image);
            }
        } catch (IOException e) {
            throw failed("extend the volume " + id, e);
        }
    }

    private static void resize(Path image, long bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(bytes);
        }
    }

    /** Removes everything of the volume; where it was mounted it no longer is. */
    void delete(VolumeId id) {
        if (!Files.isDirectory(folder(id))) {
            return;
        }
        unmount(id);
        try {
            releaseBlocks(image(id));
            // By name, never a whole tree: a mount we failed to see must not be emptied.
            for (String name : new String[] {"disk.img", "disk.img.half", "disk.img.locked.half", "mnt"}) {
                Files.deleteIfExists(folder(id).resolve(name));
            }
            Files.deleteIfExists(folder(id));
            DurableFiles.sync(volumes);
        } catch (IOException e) {
            throw failed("delete the volume " + id, e);
        }
    }

    /** Gives back what the disk takes, also where another sandbox's copy of its mount keeps the deleted file for a while. */
    private static void releaseBlocks(Path image) throws IOException {
        if (Files.exists(image) && LoopDevices.isAttached(image)) {
            var _ = Command.of(
                            "fallocate",
                            "--punch-hole",
                            "--length",
                            String.valueOf(Files.size(image)),
                            image.toString())
                    .output();
        }
    }

    /** Whether the host's kernel still has the volume's file system, mounted in whatever namespace. */
    boolean isStillMounted(VolumeId id) {
        return !LoopDevices.detach(image(id), Duration.ofMillis(200));
    }

    void delete(SnapshotId id) {
        try {
            Files.deleteIfExists(image(id));
            Files.deleteIfExists(image(id).resolveSibling(id.text() + ".img.half"));
        } catch (IOException e) {
            throw failed("delete the snapshot " + id, e);
        }
    }

    /** Unmounts a volume that no guest has. */
    void unmount(VolumeId id) {
        new LoopMount(image(id), mount(id)).unmount();
    }

    /** Removes what is there of a volume that never became whole. False: it is whole, and stays. */
    boolean removeHalf(VolumeId id) {
        if (Files.exists(image(id))) {
            return false;
        }
        delete(id);
        return true;
    }

    void removeHalfSnapshots() {
        try {
            for (String name : names(snapshots)) {
                if (name.endsWith(".half")) {
                    Files.deleteIfExists(snapshots.resolve(name));
                }
            }
        } catch (IOException e) {
            throw failed("delete half-made snapshots in " + snapshots, e);
        }
    }

    Set<VolumeId> volumes() {
        Set<VolumeId> found = new HashSet<>();
        names(volumes).forEach(name -> VolumeId.parse(name).ifPresent(found::add));
        return found;
    }

    private static Set<String> names(Path folder) {
        Set<String> names = new HashSet<>();
        try (Stream<Path> entries = Files.list(folder)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        } catch (NoSuchFileException e) {
            return names;
        } catch (IOException e) {
            throw failed("list " + folder, e);
        }
        return names;
    }

    /** Room that is spoken for until it is closed: by then what takes it is on record, or is not coming. */
    interface Promise extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Refuses what could not be written to the end.
     *
     * @param field the caller's name for the size
     * @param wanted bytes that may come to be written for what is asked
     * @param others every volume there is
     */
    synchronized Promise reserveSpace(String field, long wanted, Supplier<List<Volume>> others) {
        long promised = spokenFor + outstanding(others.get());
        long machines = layers.getAsLong();
        long free = free();
        if (wanted > free - promised - machines - RESERVE) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "%s asks for %d MiB: this host's disk has %d MiB free, of which volumes may still take %d MiB, machines %d MiB, and %d MiB are the host's own"
                            .formatted(field, wanted >> 20, free >> 20, promised >> 20, machines >> 20, RESERVE >> 20),
                    "ask for less, delete volumes, or use another host");
        }
        spokenFor += wanted;
        return () -> releaseReservation(wanted);
    }

    /** What volumes may still come to take. */
    long outstanding(Collection<Volume> all) {
        long sum = 0;
        for (Volume v : all) {
            sum += Math.max(0, v.bytes() - FileCopy.allocated(image(v.id())));
        }
        return sum;
    }

    private synchronized void releaseReservation(long wanted) {
        spokenFor -= wanted;
    }

    /** Bytes that a copy of the volume takes at once. */
    long costOfCopy(VolumeId id) {
        return supportsReflink() ? 0 : FileCopy.allocated(image(id));
    }

    /** Asked of the file system once: it does not change under us. */
    private synchronized boolean supportsReflink() {
        if (supportsReflink.isEmpty()) {
            supportsReflink = Optional.of(FileCopy.shares(volumes));
        }
        return supportsReflink.get();
    }

    private long free() {
        try {
            Files.createDirectories(volumes);
            return Files.getFileStore(volumes).getUsableSpace();
        } catch (IOException e) {
            throw failed("measure the disk under " + volumes, e);
        }
    }

    private static FailedException failed(String attempt, IOException e) {
        String why = String.valueOf(e.getMessage());
        return new FailedException(
                why.contains("No space left")
                        ? "cannot " + attempt + ": the disk is full; free some of it and try again"
                        : "cannot " + attempt + ": " + why,
                e);
    }
}
