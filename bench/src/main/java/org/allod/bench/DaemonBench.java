package org.allod.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.allod.base.FailedException;

/**
 * The daemon's process as the launcher starts it: until its API answers, with running machines to adopt; and its memory
 * after ten idle seconds.
 */
final class DaemonBench extends GuestBench {
    private static final double SERVING = 1500;
    private static final double MEMORY = 220;
    private static final int MACHINES = 3;
    private static final long IDLE = 10_000_000_000L;

    /** Enough requests for some hundred megabytes of garbage. */
    private static final int ASKED = 2_000;

    /** Slower than the daemon's own rate limit. */
    private static final long PACE = 2_000_000;

    DaemonBench() {
        super(Map.of("rounds", "4"));
    }

    @Override
    public String name() {
        return "daemon";
    }

    @Override
    public String purpose() {
        return "the daemon's start to serving, beside a JVM that does nothing, and its memory when idle after work";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> starts = new ArrayList<>();
        List<Double> floors = new ArrayList<>();
        List<Double> memory = new ArrayList<>();
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor")) {
            for (int i = 0; i < MACHINES; i++) {
                String _ = daemon.machine("number-" + i);
            }
            for (int round = 0; round < args.number("rounds"); round++) {
                daemon.stop();
                floors.add(BareRunsc.timed(List.of(java(), "-XX:+UseSerialGC", "-Xshare:auto", "-version")));
                starts.add(daemon.start());
                // A daemon that has just started has touched little of its memory, above all of the heap's young
                // generation.
                for (int i = 0; i < ASKED; i++) {
                    var _ = daemon.json("GET", BenchDaemon.machines(), "");
                    LockSupport.parkNanos(PACE);
                }
                LockSupport.parkNanos(IDLE);
                memory.add(residentMb(daemon.pid()));
            }
        }
        ResultRow.bound(args.json(), "daemon, start to serving", "ms", starts, floors, SERVING);
        ResultRow.bound(args.json(), "daemon, idle memory (RSS)", "MB", memory, List.of(), MEMORY);
        if (!args.json()) {
            System.out.println("with " + MACHINES + " machines running; " + flags());
        }
    }

    static String java() {
        return Path.of(BenchDaemon.property("java.home"), "bin", "java").toString();
    }

    static double residentMb(long pid) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
                .findFirst()
                .orElseThrow(() -> new FailedException("the daemon has ended"));
    }

    private static String flags() throws IOException {
        return String.join(
                "; ",
                Files.readAllLines(Path.of(BenchDaemon.property("allod.home"), "target", "dist", "env")).stream()
                        .filter(line -> line.startsWith("HOST_"))
                        .toList());
    }
}
