package org.allod.runtime;

import java.nio.file.Path;
import org.allod.base.MachineId;

/**
 * Where a microVM's things are.
 *
 * @param machine whose
 * @param home what survives a reboot
 * @param run what does not; belongs to the user the virtual machine runs as
 */
record VmFolders(MachineId machine, Path home, Path run) {
    static VmFolders of(Premises premises, MachineId machine) {
        return new VmFolders(
                machine,
                premises.folder(machine).resolve("microvm"),
                premises.run(machine).resolve("vm"));
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

    /** Saved memory, whole. */
    Path saved() {
        return home.resolve("saved");
    }

    /** Memory being saved: half of it is worth nothing. */
    Path saving() {
        return home.resolve("saving");
    }

    /** Saved memory being resumed from. */
    Path resuming() {
        return home.resolve("resuming");
    }

    /** What a guest had while memory was being taken from it for a moment. */
    Path reclaiming() {
        return home.resolve("reclaiming");
    }

    /** What kind of virtual machine runs, or has been saved: {@link QemuLine#form}. */
    Path form() {
        return home.resolve("form");
    }

    /** Which process it is. Ours, so outside the folder that the virtual machine may write to. */
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

    Path migration() {
        return run.resolve("memory.sock");
    }

    /**
     * The user and group of this machine's virtual machine monitor: a number of its own, far from those of people and
     * services, so that two machines cannot touch each other's files even where a guest has broken out into QEMU.
     */
    int uid() {
        return 0x1000_0000 | (int) (machine.bits() & 0x0fff_ffff);
    }
}
