package org.allod.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.FailedException;
import org.allod.base.SystemClock;

/**
 * What a storm leaves of a daemon's memory: resident when idle after ordinary work, at the storm's peak, and once the
 * daemon has been quiet again and has given back what it no longer needs. It looks every few seconds here, where a
 * daemon in use looks every minute.
 */
final class MemoryBench extends GuestBench {
    private static final double TARGET = 1.5;
    private static final int MACHINES = 3;

    /** Ordinary work before, so that idle is not what a daemon holds that has only just started. */
    private static final int ASKED = 2_000;

    private static final int CLIENTS = 64;

    /** What one body of a token's three or so at a time may be. */
    private static final int BODY = 3 << 20;

    private static final int FILE = 16 << 10;
    private static final long RELEASED = 25_000_000_000L;
    private static final String RELEASES = "allod_memory_releases_total";
    private static final Pattern PEAK = Pattern.compile("VmHWM:\\s+(\\d+) kB");

    MemoryBench() {
        super(Map.of("machines", "300", "changes", "2000", "lists", "600", "bodies", "400", "look", "3"));
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public String purpose() {
        return "the daemon's memory after a storm of creates, changes, lists and large bodies, beside when idle before";
    }

    @Override
    void measure(Arguments args) throws IOException {
        try (BenchDaemon daemon = BenchDaemon.serving(
                "--runtime", "gvisor", "--rate-limits", "off", "--memory-release", args.text("look"))) {
            for (int i = 0; i < MACHINES; i++) {
                String _ = daemon.machine("number-" + i);
            }
            for (int i = 0; i < ASKED; i++) {
                var _ = daemon.json("GET", BenchDaemon.machines(), "");
            }
            awaitRelease(daemon, metric(daemon, RELEASES));
            double idle = DaemonBench.residentMb(daemon.pid());
            storm(daemon, args);
            double left = DaemonBench.residentMb(daemon.pid());
            awaitRelease(daemon, metric(daemon, RELEASES));
            double after = DaemonBench.residentMb(daemon.pid());
            report(args, daemon, idle, left, after);
        }
    }

    private static void report(Arguments args, BenchDaemon daemon, double idle, double left, double after)
            throws IOException {
        ResultRow.bound(
                args.json(), "daemon, memory (RSS) after a storm", "MB", List.of(after), List.of(idle), TARGET * idle);
        if (!args.json()) {
            System.out.printf(
                    "idle before %.0f MB, peak %.0f, at the storm's end %.0f, after %.0f: %.2f x idle, target <= %.1f%n"
                            + "releases %.0f, %.0f MB given back, %.0f ms of pauses in all%n",
                    idle,
                    peakMb(daemon.pid()),
                    left,
                    after,
                    after / idle,
                    TARGET,
                    metric(daemon, RELEASES),
                    metric(daemon, "allod_memory_released_bytes_total") / (1 << 20),
                    metric(daemon, "allod_memory_release_pause_seconds_total") * 1_000);
        }
    }

    private static void storm(BenchDaemon daemon, Arguments args) throws IOException {
        int count = args.number("machines");
        String file = Base64.getEncoder().encodeToString(new byte[FILE]);
        List<String> ids = LoadClients.sideBySide(
                CLIENTS,
                count,
                i -> daemon.json("POST", BenchDaemon.machines(), """
                        {"name":"storm-%d","skip_launch":true,"config":{"image":"web",
                         "guest":{"cpus":1,"memory_mb":128},"files":[{"guest_path":"/tmp/file","raw_value":"%s"}]}}
                        """.formatted(i, file))
                        .get("id")
                        .stringValue());
        String large = "{\"name\":\"" + "x".repeat(BODY) + "\"}";
        var _ = LoadClients.sideBySide(CLIENTS, args.number("changes"), i -> {
            String path = BenchDaemon.path(ids.get(i % count)) + "/metadata/key-" + i % 7;
            return daemon.call("POST", path, "{\"value\":\"" + "v".repeat(100) + i + "\"}");
        });
        // Whatever the answer is: most of these are refused.
        var _ = LoadClients.sideBySide(
                CLIENTS, args.number("bodies"), i -> "" + daemon.status("POST", BenchDaemon.machines(), large));
        var _ = LoadClients.sideBySide(
                CLIENTS, args.number("lists"), i -> "" + daemon.status("GET", BenchDaemon.machines(), ""));
        var _ = OpenLoop.run(
                new SystemClock(),
                daemon.edge(),
                new OpenLoop.Request("/", BenchDaemon.APP + ".localhost", ""),
                100,
                3,
                32);
        new LoadClients(daemon, CLIENTS).destroy(ids);
    }

    /** Until the daemon has given memory back once more, and is quiet; not for ever, should it have nothing to give. */
    private static void awaitRelease(BenchDaemon daemon, double before) throws IOException {
        long began = System.nanoTime();
        while (metric(daemon, RELEASES) <= before && System.nanoTime() - began < RELEASED) {
            LockSupport.parkNanos(1_000_000_000);
        }
        LockSupport.parkNanos(1_000_000_000);
    }

    private static double metric(BenchDaemon daemon, String name) throws IOException {
        Matcher line = Pattern.compile("(?m)^" + name + " (\\S+)$").matcher(daemon.call("GET", "/metrics", ""));
        if (!line.find()) {
            throw new FailedException("/metrics does not tell " + name);
        }
        return Double.parseDouble(line.group(1));
    }

    private static double peakMb(long pid) throws IOException {
        String status = Files.readString(Path.of("/proc/" + pid + "/status"), StandardCharsets.US_ASCII);
        Matcher peak = PEAK.matcher(status);
        if (!peak.find()) {
            throw new FailedException("the daemon has ended");
        }
        return Double.parseDouble(peak.group(1)) / 1_024;
    }
}
