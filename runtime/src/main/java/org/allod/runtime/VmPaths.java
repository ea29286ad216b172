package org.allod.runtime;

import java.nio.file.Path;
import org.allod.base.MachineId;

/**
 * The paths of a microVM.
 *
 * @param machine the machine
 * @param home folder that survives a reboot
 * @param run folder that does not: sockets, accessible to root only; QEMU receives them open
 * @param users allocates the user id of the machine's QEMU
 */
record VmPaths(MachineId machine, Path home, Path run, UserIds users) {
    static VmPaths of(RuntimeResources resources, MachineId machine) {
        return new VmPaths(
                machine,
                resources.folder(machine).resolve("microvm"),
                resources.run(machine).resolve("vm"),
                resources.users());
    }

    /** The writable layer: a sparse file that is recreated at each boot. */
    Path disk() {
        return home.resolve("disk.img");
    }

    /** Exists while the guest has volumes, which must be flushed before it is ended. */
    Path volumes() {
        return home.resolve("volumes");
    }

    /** The key of the volume with this index, between writing it and QEMU's start. */
    Path key(int index) {
        return run.resolveSibling("vm.key." + index);
    }

    MemoryCheckpoint memory() {
        return new MemoryCheckpoint(home);
    }

    /** The guest's memory before a reclaim in progress. */
    Path reclaiming() {
        return home.resolve("reclaiming");
    }

    /** The form of the running or saved virtual machine: {@link QemuCommandLine#form}. */
    Path form() {
        return home.resolve("form");
    }

    /** The identity of the process. */
    Path process() {
        return run.resolveSibling("vm.process");
    }

    /** QEMU's own output. */
    Path output() {
        return run.resolveSibling("vm.log");
    }

    Path control() {
        return run.resolve("qmp.sock");
    }

    Path channel() {
        return run.resolve("guest.sock");
    }

    /** User and group of this machine's QEMU: an id of its own. */
    int uid() {
        return users.claim(machine, user(run));
    }

    private static Path user(Path run) {
        return run.resolveSibling("vm.user");
    }

    /** Deletes the machine's run folder and frees its QEMU's user id. */
    static void forget(UserIds users, MachineId machine, Path folder) {
        users.release(machine, user(folder.resolve("vm")));
    }
}
