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
 * The volumes of one gVisor machine, mounted on the host while its guest runs, and bound into the sandbox. What is
 * mounted is written down before it is, so that whoever ends the guest finds it, also after a crash in between.
 *
 * <p>gVisor's guests reach a volume through files only: its file system is written by the host's kernel alone, which
 * therefore may trust it. A volume that a virtual machine has had is another matter, and never gets here (decision 090).
 */
record SandboxVolumes(SandboxPaths folders) {
    private static final System.Logger LOG = System.getLogger("allod.runtime");
    private static final String BETWEEN = "\t";

    /** A process that begins or ends beside us has copies of our mounts for a moment; a sandbox as long as it lives. */
    private static final Duration LETTING_GO = Duration.ofMillis(200);

    /** At the pace of the disk. */
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
     * Mounts one. Where it is still mounted in somebody else's copy of the mounts, it is the same file system that is
     * mounted here again: nothing may be done to the file behind it, and what it has grown by is seen once that is over.
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
     * Unmounts them all, once what was written is in their files: the kernel may not let go of a file system now, as other
     * sandboxes have copies of its mount. No process of the guest may be left.
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
