package org.allod.runtime;

import java.nio.file.Path;
import org.allod.base.MachineId;

/**
 * Where a gVisor guest's things are.
 *
 * @param machine whose
 * @param home what survives a reboot
 * @param run what does not
 */
record SandboxPaths(MachineId machine, Path home, Path run) {
    static SandboxPaths of(RuntimeResources resources, MachineId machine) {
        return new SandboxPaths(machine, resources.folder(machine).resolve("gvisor"), resources.run(machine));
    }

    /** The configuration for runsc, {@code config.json}. */
    Path bundle() {
        return home.resolve("bundle");
    }

    /** Which shared root the bundle speaks of: {@link SharedRootfsMounts}. */
    Path rootName() {
        return home.resolve("root");
    }

    /** The writable layer lives here, as a file without a name: it is gone with the guest, however that ends. */
    Path upper() {
        return home.resolve("upper");
    }

    MemoryCheckpoint memory() {
        return new MemoryCheckpoint(home);
    }

    /** runsc's own state: a folder for each sandbox, so that nothing needs asking to be cleaned up. */
    Path state() {
        return run.resolve("state");
    }

    /** Bound into the guest; holds our end of the channel and nothing else. */
    Path channel() {
        return run.resolve("channel");
    }

    Path socket() {
        return channel().resolve("host.sock");
    }
}
