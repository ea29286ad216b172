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
 * The files of volumes and snapshots: {@code volumes/ID/disk.img} with {@code mnt} beside it for the host's mount, and
 * {@code snapshots/ID.img}. A file gets its final name once it is complete and flushed. Every method is idempotent.
 *
 * <p>Files are sparse, so a volume takes only the space that was written. Admission ({@link #reserveSpace}): free space
 * must cover the unwritten bytes of every volume, so that no guest finds the disk full under its volume. Blocks that
 * copies share are not counted twice.
 */
final class VolumeFiles {
    /** Bytes that the host keeps free for itself: logs, records, images that are being pulled. */
    private static final long RESERVE = 1L << 30;

    private final Path volumes;
    private final Path snapshots;
    private Optional<Boolean> supportsReflink = Optional.empty();
    /** Bytes reserved by requests under way, so that two at once are not promised the same space. */
    private long reserved;
    /** Bytes that running machines may still write to the same disk. */
    private volatile LongSupplier layers = () -> 0;

    /** @param data the daemon's folder */
    VolumeFiles(Path data) {
        this.volumes = data.resolve("volumes");
        this.snapshots = data.resolve("snapshots");
    }

    /** Sets the source of what running machines may still write. Called once, before any space is reserved. */
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

    /** Makes an empty volume; encrypted if a key is given. */
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

    /** Fills a new volume from a file and extends it to its size; its file system grows when it is next mounted. */
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

    /** Makes the disk larger; the file system in it keeps its size. */
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

    /** Unmounts the volume and deletes its files. */
    void delete(VolumeId id) {
        if (!Files.isDirectory(folder(id))) {
            return;
        }
        unmount(id);
        try {
            releaseBlocks(image(id));
            // Delete by name, not recursively: files under a mount that is still there must survive.
            for (String name : new String[] {"disk.img", "disk.img.half", "disk.img.locked.half", "mnt"}) {
                Files.deleteIfExists(folder(id).resolve(name));
            }
            Files.deleteIfExists(folder(id));
            DurableFiles.sync(volumes);
        } catch (IOException e) {
            throw failed("delete the volume " + id, e);
        }
    }

    /** Frees the file's blocks now: another sandbox's copy of the mount may keep the deleted file open for a while. */
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

    /** Reserved space. Close it once the volume is recorded, which then counts by itself, or has been given up. */
    interface Promise extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Reserves space for a request.
     *
     * @param field the name of the size in the request, for the error
     * @param wanted bytes that the request may come to write
     * @param others all existing volumes
     * @throws RejectedException with {@link RejectedException.Reason#CAPACITY} if free space does not cover it
     */
    synchronized Promise reserveSpace(String field, long wanted, Supplier<List<Volume>> others) {
        long promised = reserved + outstanding(others.get());
        long machines = layers.getAsLong();
        long free = free();
        if (wanted > free - promised - machines - RESERVE) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    "%s asks for %d MiB: this host's disk has %d MiB free, of which volumes may still take %d MiB, machines %d MiB, and %d MiB are the host's own"
                            .formatted(field, wanted >> 20, free >> 20, promised >> 20, machines >> 20, RESERVE >> 20),
                    "ask for less, delete volumes, or use another host");
        }
        reserved += wanted;
        return () -> releaseReservation(wanted);
    }

    /** Bytes that these volumes may still come to take on the disk. */
    long outstanding(Collection<Volume> all) {
        long sum = 0;
        for (Volume v : all) {
            sum += Math.max(0, v.bytes() - FileCopy.allocated(image(v.id())));
        }
        return sum;
    }

    private synchronized void releaseReservation(long wanted) {
        reserved -= wanted;
    }

    /** Bytes that a copy takes immediately: none if the file system shares blocks (reflink). */
    long costOfCopy(VolumeId id) {
        return supportsReflink() ? 0 : FileCopy.allocated(image(id));
    }

    /** Asked once, because the answer of a file system does not change. */
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
