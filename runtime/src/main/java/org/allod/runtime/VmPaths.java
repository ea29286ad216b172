package org.allod.runtime;

import java.nio.file.Path;
import org.allod.base.MachineId;

/**
 * Where a microVM's things are.
 *
 * @param machine whose
 * @param home what survives a reboot
 * @param run what does not: sockets, in a folder that is root's alone; QEMU is handed them open
 * @param users who gives the machine's virtual machine monitor its user
 */
record VmPaths(MachineId machine, Path home, Path run, UserIds users) {
    static VmPaths of(RuntimeResources resources, MachineId machine) {
        return new VmPaths(
                machine,
                resources.folder(machine).resolve("microvm"),
                resources.run(machine).resolve("vm"),
                resources.users());
    }

    /** The writable layer: a sparse file that begins anew with each boot. */
    Path disk() {
        return home.resolve("disk.img");
    }

    /** There while the guest has volumes, which want to be written out before it is ended. */
    Path volumes() {
        return home.resolve("volumes");
    }

    /** The key of the volume at this place, for the moment between writing it and QEMU's start. */
    Path key(int index) {
        return run.resolveSibling("vm.key." + index);
    }

    MemoryCheckpoint memory() {
        return new MemoryCheckpoint(home);
    }

    /** What a guest had while memory was being taken from it for a moment. */
    Path reclaiming() {
        return home.resolve("reclaiming");
    }

    /** What kind of virtual machine runs, or has been saved: {@link QemuCommandLine#form}. */
    Path form() {
        return home.resolve("form");
    }

    /** Which process it is. */
    Path process() {
        return run.resolveSibling("vm.process");
    }

    /** What QEMU itself says. */
    Path output() {
        return run.resolveSibling("vm.log");
    }

    Path control() {
        return run.resolve("qmp.sock");
    }

    Path channel() {
        return run.resolve("guest.sock");
    }

    /** The user and group of this machine's virtual machine monitor: a number of its own. */
    int uid() {
        return users.claim(machine, user(run));
    }

    private static Path user(Path run) {
        return run.resolveSibling("vm.user");
    }

    /** The machine's folder in {@code run} goes, and its monitor's user is nobody's. */
    static void forget(UserIds users, MachineId machine, Path folder) {
        users.release(machine, user(folder.resolve("vm")));
    }
}
