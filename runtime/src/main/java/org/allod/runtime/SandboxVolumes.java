package org.allod.runtime;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.linux.Command;
import org.allod.linux.LoopDevices;
import org.allod.linux.LoopMount;
import org.allod.linux.Mounts;

/**
 * The volumes of one gVisor machine, mounted on the host while its guest runs and bound into the sandbox. Each mount is
 * recorded before it is made, so that whoever ends the guest finds it, even after a crash in between.
 *
 * <p>gVisor's guests reach a volume only through files: the host's kernel alone writes its file system and therefore
 * may trust it. A volume that a microVM has used is not trusted and is never mounted here (decision 090).
 */
record SandboxVolumes(SandboxPaths folders) {
    private static final System.Logger LOG = System.getLogger("allod.runtime");
    private static final String BETWEEN = "\t";

    /**
     * A process that starts or ends concurrently has copies of the mounts for a moment; a sandbox as long as it lives.
     */
    private static final Duration LETTING_GO = Duration.ofMillis(200);

    /** Limited by the speed of the disk. */
    private static final Duration WRITING = Duration.ofMinutes(2);

    /** Mounts every volume of the guest that is about to start. */
    void mount(List<GuestSpec.Volume> volumes) {
        if (volumes.isEmpty()) {
            return;
        }
        List<String> lines =
                volumes.stream().map(v -> v.image() + BETWEEN + v.mount()).toList();
        RuntimeResources.write(list(), String.join("\n", lines) + "\n");
        for (GuestSpec.Volume volume : volumes) {
            if (volume.key().isPresent()) {
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "volume " + volume.id() + " is encrypted, which gVisor cannot open on this host",
                        "run the machine as a microVM");
            }
            if (!Files.exists(volume.image())) {
                throw new FailedException("volume " + volume.id() + " has lost its disk " + volume.image());
            }
            mount(volume);
        }
    }

    /**
     * Mounts one. If another process's copy of the mounts still holds it, the same file system is mounted again: the
     * file behind it must not be changed, and growth becomes visible only once that copy is gone.
     */
    private static void mount(GuestSpec.Volume volume) {
        LoopMount mount = on(volume);
        if (mount.isMounted() || LoopDevices.detach(volume.image(), LETTING_GO)) {
            mount.mount();
            return;
        }
        Mounts.mount("ext4", "loop,nosuid,nodev", volume.image().toString(), volume.mount());
        try {
            mount.grow();
        } catch (FailedException e) {
            LOG.log(Level.WARNING, "volume " + volume.id() + " grows once no other sandbox has it mounted", e);
        }
    }

    static LoopMount on(GuestSpec.Volume volume) {
        return new LoopMount(volume.image(), volume.mount());
    }

    /**
     * Unmounts all of them, after flushing: the kernel may not release a file system now, because other sandboxes can
     * hold copies of its mount. No process of the guest may be left.
     */
    void unmount() {
        for (String line : mounted()) {
            String[] words = line.split(BETWEEN, 2);
            LoopMount mount = new LoopMount(Path.of(words[0]), Path.of(words[1]));
            if (mount.isMounted()) {
                mount.thaw();
                var _ = Command.of("sync", "--file-system", words[1])
                        .timeout(WRITING)
                        .output();
            }
            mount.unmount();
        }
        RuntimeResources.forget(list());
    }

    private List<String> mounted() {
        try {
            return Files.readAllLines(list());
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new FailedException(
                    "cannot read which volumes are mounted from " + list() + ": " + e.getMessage(), e);
        }
    }

    private Path list() {
        return folders.home().resolve("volumes");
    }
}
