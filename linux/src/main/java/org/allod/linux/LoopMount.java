package org.allod.linux;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.allod.base.FailedException;

/**
 * A file system in a file, mounted on the host through a loop device that goes with the mount. The host's kernel
 * trusts what it mounts: only for file systems that nobody but this host has written.
 *
 * @param image the file
 * @param target where it is mounted
 */
public record LoopMount(Path image, Path target) {
    /** Freezing writes out what is dirty, at the pace of the disk. */
    private static final Duration WRITING = Duration.ofMinutes(2);

    /** Mounts it, without set-user-id programs and devices, unless it is mounted; then it is as large as its file. */
    public void mount() {
        if (isMounted()) {
            return;
        }
        if (isSmallerThanImage()) {
            // Not in use: no privilege of the kernel's is needed for it, only a file system that was looked over.
            Command check = Command.of("e2fsck", "-f", "-p", image.toString()).timeout(WRITING);
            Command.Result checked = check.run();
            // 1: something was put in order.
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
     * Makes device and file system as large as the file has become, in use as they are. Never smaller.
     *
     * @throws FailedException also where this process may not do that ({@code CAP_SYS_RESOURCE}): then the next mount does it
     */
    public void grow() {
        if (!isSmallerThanImage()) {
            return;
        }
        String device = device();
        var _ = Command.of("losetup", "--set-capacity", device).output();
        var _ = Command.of("resize2fs", device).timeout(WRITING).output();
    }

    /** The file system may be up to a block smaller than its file and still fill it. */
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

    /** What the mounted file system has and has left. */
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

    /** Writes out everything and holds up whoever writes, until {@link #thaw}. Without effect where that is so. */
    public void freeze() {
        Command freeze = Command.of("fsfreeze", "--freeze", target.toString()).timeout(WRITING);
        Command.Result result = freeze.run();
        if (!result.ok() && !result.err().contains("busy")) {
            throw freeze.failure(result);
        }
    }

    /** Lets writers go on. Without effect where they do. */
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

    /** Unmounts it, after everything is written. One that is left frozen would never be let go, so it is thawed. */
    public void unmount() {
        thaw();
        Mounts.unmount(target);
    }
}
