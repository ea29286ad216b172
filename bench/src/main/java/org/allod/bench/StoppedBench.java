package org.allod.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Stopped machines with all their resources: real ones, created through the API and prepared for a start. Measures what
 * each machine beyond those kept ready takes in the kernel ({@code Slab}, {@code Percpu} and {@code KernelStack} of
 * {@code /proc/meminfo}), on disk and in the daemon; and what is left in the kernel after the daemon has had time to
 * release it.
 */
final class StoppedBench extends GuestBench {
    /** How many the daemon keeps ready for a faster start. */
    private static final int HELD = 128;

    private static final int CLIENTS = 8;
    private static final double KERNEL_KIB = 16;
    private static final double DISK_KIB = 64;
    private static final double HEAP_KIB = 8;
    private static final double FILES = 50;
    private static final Pattern KERNEL = Pattern.compile("(?:Slab|Percpu|KernelStack):\\s+(\\d+) kB");

    StoppedBench() {
        super(Map.of("machines", "20000"));
    }

    @Override
    public String name() {
        return "stopped";
    }

    @Override
    public String purpose() {
        return "20,000 stopped machines: what each holds in the kernel, on the disk and in the daemon";
    }

    private record Holds(double kernelKib, double diskKib, double heapKib, double files) {}

    @Override
    void measure(Arguments args) throws IOException {
        int machines = args.number("machines");
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor", "--rate-limits", "off")) {
            make(daemon, "kept", HELD);
            Holds before = holds(daemon);
            make(daemon, "stopped", machines);
            awaitReleased();
            Holds after = holds(daemon);
            String each = String.format("%,d stopped machines: ", machines);
            report(args, each + "kernel memory each", "KiB", after.kernelKib - before.kernelKib, machines, KERNEL_KIB);
            report(args, each + "disk each", "KiB", after.diskKib - before.diskKib, machines, DISK_KIB);
            report(args, each + "daemon's heap each", "KiB", after.heapKib - before.heapKib, machines, HEAP_KIB);
            ResultRow.bound(
                    args.json(),
                    each + "open files of the daemon, more than before",
                    "",
                    List.of(after.files - before.files),
                    List.of(),
                    FILES);
            System.out.println("networks left in the kernel: " + networks());
        }
    }

    private static void make(BenchDaemon daemon, String name, int count) throws IOException {
        var _ = LoadClients.sideBySide(
                CLIENTS, count, i -> daemon.call("POST", BenchDaemon.machines(), """
                {"name":"%s-%d","skip_launch":true,"config":{"image":"web","guest":{"cpus":1,"memory_mb":128}}}
                """.formatted(name, i)));
    }

    private static void report(Arguments args, String what, String unit, double more, int machines, double target) {
        ResultRow.bound(args.json(), what, unit, List.of(more / machines), List.of(), target);
    }

    private static long networks() throws IOException {
        try (Stream<Path> devices = Files.list(Path.of("/run/netns"))) {
            return devices.filter(d -> d.getFileName().toString().startsWith("allod-"))
                    .count();
        }
    }

    /** The kernel dismantles deleted namespaces asynchronously. */
    private static void awaitReleased() throws IOException {
        for (int i = 0; i < 300 && networks() > HELD; i++) {
            LockSupport.parkNanos(100_000_000);
        }
        LockSupport.parkNanos(3_000_000_000L);
    }

    private static Holds holds(BenchDaemon daemon) throws IOException {
        double kernel = KERNEL.matcher(Files.readString(Path.of("/proc/meminfo")))
                .results()
                .mapToDouble(m -> Double.parseDouble(m.group(1)))
                .sum();
        try (Stream<Path> files = Files.list(Path.of("/proc/" + daemon.pid() + "/fd"))) {
            return new Holds(kernel, disk(daemon.data()), Heap.usedKib(daemon.pid()), files.count());
        }
    }

    private static double disk(Path folder) {
        return Double.parseDouble(org.allod.linux.Command.of("du", "-skx", folder.toString())
                .output()
                .split("\\s", -1)[0]);
    }
}
