package org.allod.runtime;

import java.nio.file.Path;
import org.allod.base.MachineId;

/**
 * The paths of a gVisor guest.
 *
 * @param machine the machine
 * @param home folder that survives a reboot
 * @param run folder that does not
 */
record SandboxPaths(MachineId machine, Path home, Path run) {
    static SandboxPaths of(RuntimeResources resources, MachineId machine) {
        return new SandboxPaths(machine, resources.folder(machine).resolve("gvisor"), resources.run(machine));
    }

    /** The configuration for runsc, {@code config.json}. */
    Path bundle() {
        return home.resolve("bundle");
    }

    /** Names the shared root that the bundle refers to: {@link SharedRootfsMounts}. */
    Path rootName() {
        return home.resolve("root");
    }

    /** The folder of the writable layer, an unnamed file that disappears with the guest, however that ends. */
    Path upper() {
        return home.resolve("upper");
    }

    MemoryCheckpoint memory() {
        return new MemoryCheckpoint(home);
    }

    /** runsc's state: one folder for each sandbox, so that cleaning up needs no runsc. */
    Path state() {
        return run.resolve("state");
    }

    /** Mounted into the guest; holds the host's end of the channel and nothing else. */
    Path channel() {
        return run.resolve("channel");
    }

    Path socket() {
        return channel().resolve("host.sock");
    }
}
