package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.allod.base.Failed;
import org.allod.base.Rejected;
import org.allod.linux.LoopMount;

/**
 * The volumes of one gVisor machine, mounted on the host while its guest runs, and bound into the sandbox. What is
 * mounted is written down before it is, so that whoever ends the guest finds it, also after a crash in between.
 *
 * <p>gVisor's guests reach a volume through files only: its file system is written by the host's kernel alone, which
 * therefore may trust it. A volume that a virtual machine has had is another matter, and never gets here (decision 090).
 */
record SandboxVolumes(SandboxFolders folders) {
    private static final String BETWEEN = "\t";

    /** Mounts every volume of the guest that is about to start. */
    void mount(List<GuestSpec.Volume> volumes) {
        if (volumes.isEmpty()) {
            return;
        }
        List<String> lines =
                volumes.stream().map(v -> v.image() + BETWEEN + v.mount()).toList();
        Premises.write(list(), String.join("\n", lines) + "\n");
        for (GuestSpec.Volume volume : volumes) {
            if (volume.key().isPresent()) {
                throw Rejected.because(
                        Rejected.Reason.UNSUPPORTED,
                        "volume " + volume.id() + " is encrypted, which gVisor cannot open on this host",
                        "run the machine as a microVM");
            }
            if (!Files.exists(volume.image())) {
                throw new Failed("volume " + volume.id() + " has lost its disk " + volume.image());
            }
            on(volume).mount();
        }
    }

    static LoopMount on(GuestSpec.Volume volume) {
        return new LoopMount(volume.image(), volume.mount());
    }

    /** Unmounts them all. No process of the guest may be left. */
    void unmount() {
        for (String line : mounted()) {
            String[] words = line.split(BETWEEN, 2);
            new LoopMount(Path.of(words[0]), Path.of(words[1])).unmount();
        }
        Premises.forget(list());
    }

    private List<String> mounted() {
        try {
            return Files.readAllLines(list());
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new Failed("cannot read which volumes are mounted from " + list() + ": " + e.getMessage(), e);
        }
    }

    private Path list() {
        return folders.home().resolve("volumes");
    }
}
