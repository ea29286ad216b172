package org.allod.machine;

import org.allod.base.RejectedException;

/** Refuses, before a machine is created or updated, what its runtime cannot do. */
final class RuntimeLimits {
    private static final String GVISOR = "gvisor";

    /** A microVM has a kernel of its own, which does not boot in 64 MB; it does with what the probe uses. */
    private static final int LEAST_MICROVM_MB = 128;

    private RuntimeLimits() {}

    static void check(MachineConfig config, String runtime) {
        if (!runtime.equals(GVISOR)) {
            if (config.guest().memoryMb() < LEAST_MICROVM_MB) {
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "config.guest.memory_mb is %d: a microVM, whose kernel is its own, needs %d at least"
                                .formatted(config.guest().memoryMb(), LEAST_MICROVM_MB),
                        "give it more, or create the machine with \"runtime\": \"gvisor\"");
            }
            return;
        }
        if (!config.containers().isEmpty() && !config.mounts().isEmpty()) {
            throw refused("config.mounts", "a sandbox of gVisor cannot show a volume to containers");
        }
        if (config.init().swapMb() > 0) {
            throw refused("config.init.swap_size_mb", "gVisor's kernel has no swap");
        }
        if (!config.guest().kernelArgs().isEmpty()) {
            boolean ofInit = config.json().path("init").path("kernel_args").size() > 0;
            throw refused(
                    "config." + (ofInit ? "init" : "guest") + ".kernel_args", "gVisor's kernel has no command line");
        }
        if (config.rootfs().persist() != MachineConfig.Rootfs.Persist.NEVER) {
            boolean older = !config.json().path("rootfs").has("persist");
            throw refused(
                    older ? "config.guest.persist_rootfs" : "config.rootfs.persist",
                    "gVisor keeps the writable layer of a sandbox only as long as it runs or is suspended");
        }
    }

    private static RejectedException refused(String field, String why) {
        return RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                field + ": " + why,
                "create the machine with \"runtime\": \"microvm\", or leave the field out");
    }
}
