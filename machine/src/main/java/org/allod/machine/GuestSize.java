package org.allod.machine;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;

/**
 * How large a guest is.
 *
 * @param kind how its processors compete with those of other machines
 * @param cpus the most processors that it gets
 * @param kernelArgs added to its kernel's command line
 */
public record GuestSize(CpuKind kind, int cpus, int memoryMb, List<String> kernelArgs) {
    static final GuestSize USUAL = new GuestSize(CpuKind.SHARED, 1, 256, List.of());

    /** As the API names them. */
    public enum CpuKind {
        /** Takes what others leave; in competition, about a sixteenth of what a performance machine gets. */
        SHARED(6),
        /** Has precedence over shared ones. */
        PERFORMANCE(100);

        private final int weight;

        CpuKind(int weight) {
            this.weight = weight;
        }
    }

    private static final int MAX_CPUS = 64;
    private static final int MIN_MEMORY_MB = 64;
    private static final int MAX_MEMORY_MB = 1 << 20;
    private static final int MAX_ARGUMENTS = 64;

    /** The named sizes of the API: kind and processors; memory goes with them. */
    private static final Pattern PRESET = Pattern.compile("(shared-cpu|performance)-(1|2|4|6|8|10|12|14|16)x");

    /** The weight in competition for processor time; one performance processor weighs 100. */
    public int cpuWeight() {
        return kind.weight * cpus;
    }

    /** Reads {@code size}, the older field with a preset's name, and {@code guest}, the newer one with numbers. */
    static GuestSize read(StrictJsonReader config) {
        Optional<GuestSize> named =
                config.string("size").filter(s -> !s.isEmpty()).map(s -> preset(config, s));
        GuestSize base = named.orElse(USUAL);
        return config.object("guest").map(in -> read(in, base)).orElse(base);
    }

    private static GuestSize preset(StrictJsonReader config, String name) {
        Matcher found = PRESET.matcher(name);
        if (!found.matches()) {
            throw RejectedException.invalid(
                    ("%s is \"%s\": allowed are shared-cpu-1x to -8x and performance-1x to -16x; or say"
                                    + " guest.cpus and guest.memory_mb")
                            .formatted(config.path("size"), name));
        }
        int cpus = Integer.parseInt(found.group(2));
        boolean shared = found.group(1).equals("shared-cpu");
        return new GuestSize(
                shared ? CpuKind.SHARED : CpuKind.PERFORMANCE, cpus, cpus * (shared ? 256 : 2048), List.of());
    }

    private static GuestSize read(StrictJsonReader in, GuestSize base) {
        CpuKind kind = in.oneOf("cpu_kind", List.of("", "shared", "performance"))
                .filter(k -> !k.isEmpty())
                .map(k -> k.equals("shared") ? CpuKind.SHARED : CpuKind.PERFORMANCE)
                .orElse(base.kind);
        int cpus = in.integer("cpus", 1, MAX_CPUS).orElse(base.cpus);
        int memory = in.integer("memory_mb", MIN_MEMORY_MB, MAX_MEMORY_MB).orElse(base.memoryMb);
        in.integer("max_memory_mb", 0, MAX_MEMORY_MB)
                .filter(max -> max != 0 && max != memory)
                .ifPresent(max -> {
                    throw RejectedException.because(
                            RejectedException.Reason.UNSUPPORTED,
                            "%s is %d, not memory_mb (%d): a guest's memory does not grow while it runs"
                                    .formatted(in.path("max_memory_mb"), max, memory),
                            "leave it out, or say what the machine needs as memory_mb");
                });
        in.integer("gpus", 0, Integer.MAX_VALUE).filter(n -> n > 0).ifPresent(n -> {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "%s is %d: hosts have no GPUs to give".formatted(in.path("gpus"), n),
                    "leave the field out; nothing was changed");
        });
        in.refuse("gpu_kind", "hosts have no GPUs to give");
        in.refuse("host_dedication_id", "all of this host is yours; there are no dedicated hosts to name");
        List<String> kernelArgs = kernelArgs(in);
        in.oneOf("persist_rootfs", InitReader.PERSIST); // the root file system's, which InitReader reads
        in.done();
        return new GuestSize(kind, cpus, memory, kernelArgs);
    }

    /** Arguments for the guest's kernel; those that decide how it boots belong to the host and are refused. */
    static List<String> kernelArgs(StrictJsonReader in) {
        List<String> args = in.strings("kernel_args");
        if (args.size() > MAX_ARGUMENTS) {
            throw RejectedException.invalid(
                    "%s has %d entries: at most %d".formatted(in.path("kernel_args"), args.size(), MAX_ARGUMENTS));
        }
        for (String arg : args) {
            if (!arg.matches("[!-~]{1,200}") || arg.contains("\"")) {
                throw RejectedException.invalid(
                        "%s has \"%s\": an argument has 1 to 200 printable characters, no space or quote"
                                .formatted(in.path("kernel_args"), arg));
            }
            if (arg.matches("--|(init|rdinit|root|rootfstype|console|panic|reboot|initrd)(=.*)?")) {
                throw RejectedException.invalid(
                        "%s has \"%s\": that is how the host boots the guest".formatted(in.path("kernel_args"), arg));
            }
        }
        return args;
    }
}
