package org.allod.linux;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.allod.base.FailedException;

/**
 * A file system in a file, mounted on the host through a loop device that disappears with the mount. The host's kernel
 * trusts what it mounts, so use this only for file systems that only this host has written.
 *
 * @param image the file
 * @param target the mount point
 */
public record LoopMount(Path image, Path target) {
    /** Freezing writes all dirty pages, which takes as long as the disk does. */
    private static final Duration WRITING = Duration.ofMinutes(2);

    /** Mounts it with nosuid and nodev, unless it is mounted, and grows it to the size of its file. */
    public void mount() {
        if (isMounted()) {
            return;
        }
        if (isSmallerThanImage()) {
            // Resizing while it is not mounted needs no kernel privilege, but a checked file system.
            Command check = Command.of("e2fsck", "-f", "-p", image.toString()).timeout(WRITING);
            Command.Result checked = check.run();
            // Exit code 1 means that e2fsck has repaired something.
            if (checked.exit() > 1) {
                throw check.failure(checked);
            }
            var _ = Command.of("resize2fs", image.toString()).timeout(WRITING).output();
        }
        Mounts.mount("ext4", "loop,nosuid,nodev", image.toString(), target);
    }

    public boolean isMounted() {
        return Mounts.at(target).isPresent();
    }

    /**
     * Grows the mounted device and file system to the size of the file; never shrinks them.
     *
     * @throws FailedException also if this process lacks the privilege ({@code CAP_SYS_RESOURCE}); the next mount grows
     *     it
     */
    public void grow() {
        if (!isSmallerThanImage()) {
            return;
        }
        String device = device();
        var _ = Command.of("losetup", "--set-capacity", device).output();
        var _ = Command.of("resize2fs", device).timeout(WRITING).output();
    }

    /** Allows a difference of up to a block, which a file system that fills its file may have. */
    private boolean isSmallerThanImage() {
        long now = Ext4.read(image).map(Ext4.Space::bytes).orElse(0L);
        return now + 4096 <= size();
    }

    private String device() {
        return Mounts.at(target)
                .map(Mounts.Mount::source)
                .orElseThrow(() -> new FailedException("nothing is mounted at " + target));
    }

    private long size() {
        try {
            return Files.size(image);
        } catch (IOException e) {
            throw new FailedException("cannot read the size of " + image + ": " + e.getMessage(), e);
        }
    }

    /** The size and free space of the mounted file system. */
    public Ext4.Space space() {
        try {
            FileStore store = Files.getFileStore(target);
            long block = store.getBlockSize();
            return new Ext4.Space(
                    block,
                    store.getTotalSpace() / block,
                    store.getUnallocatedSpace() / block,
                    store.getUsableSpace() / block);
        } catch (IOException e) {
            throw new FailedException("cannot measure the file system at " + target + ": " + e.getMessage(), e);
        }
    }

    /** Writes all dirty pages and blocks writers until {@link #thaw}. Idempotent. */
    public void freeze() {
        Command freeze = Command.of("fsfreeze", "--freeze", target.toString()).timeout(WRITING);
        Command.Result result = freeze.run();
        if (!result.ok() && !result.err().contains("busy")) {
            throw freeze.failure(result);
        }
    }

    /** Lets writers continue. Idempotent. */
    public void thaw() {
        if (!isMounted()) {
            return;
        }
        Command thaw = Command.of("fsfreeze", "--unfreeze", target.toString());
        Command.Result result = thaw.run();
        if (!result.ok() && !result.err().contains("Invalid argument")) {
            throw thaw.failure(result);
        }
    }

    /** Unmounts it after writing everything. Thaws it first, because a frozen file system cannot be released. */
    public void unmount() {
        thaw();
        Mounts.unmount(target);
    }
}
