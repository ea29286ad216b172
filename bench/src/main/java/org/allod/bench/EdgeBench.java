package org.allod.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.edge.Backend;
import org.allod.edge.Catalog;
import org.allod.edge.CatalogApp;
import org.allod.edge.Edge;
import org.allod.edge.EdgeConfig;
import org.allod.edge.MachineController;
import org.allod.edge.Service;

/**
 * The cost of a warm request through the edge, beside the same request directly to the server and through HAProxy.
 *
 * <p>All run on the same cores, alternating within one run, because on a shared machine only adjacent measurements can
 * be compared: each round gives one ratio, and the median of the ratios counts.
 */
final class EdgeBench implements Benchmark {
    private static final int CONNECTIONS = 64;
    private static final int PER_SECOND = 1_000;
    private static final double RATIO_TARGET = 0.7;
    private static final double ADDED_TARGET = 0.3;
    private static final String HOST = "hello.localhost";

    private final Clock clock = new SystemClock();

    /** One round of full load, requests a second. */
    private record Peak(double direct, double haproxy, double edge) {
        double ratio() {
            return edge / haproxy;
        }
    }

    /** One round of 1,000 requests a second, milliseconds. */
    private record Calm(OpenLoop.Latencies direct, OpenLoop.Latencies haproxy, OpenLoop.Latencies edge) {
        double added(double quantile) {
            return edge.millis(quantile) - direct.millis(quantile);
        }

        double addedByHaproxy(double quantile) {
            return haproxy.millis(quantile) - direct.millis(quantile);
        }
    }

    @Override
    public String name() {
        return "edge";
    }

    @Override
    public String purpose() {
        return "warm requests through the edge, beside HAProxy and beside no proxy at all";
    }

    @Override
    public int run(List<String> args) {
        boolean json = false;
        int rounds = 5;
        for (int i = 0; i < args.size(); i++) {
            if (args.get(i).equals("--json")) {
                json = true;
            } else if (args.get(i).equals("--rounds")
                    && i + 1 < args.size()
                    && args.get(i + 1).matches("[1-9]")) {
                rounds = Integer.parseInt(args.get(++i));
            } else {
                System.err.println("edge: unknown argument " + args.get(i) + "; it knows --json and --rounds 1..9");
                return 2;
            }
        }
        Path folder = temporary();
        try (ServerProcess nginx = ServerProcess.nginx(folder);
                ServerProcess haproxy = ServerProcess.haproxy(folder, nginx.port());
                SystemTimers timers = new SystemTimers();
                Edge edge = edge(timers, nginx.port())) {
            measure(nginx.port(), haproxy.port(), edge.address().getPort(), rounds, json);
            return 0;
        } catch (FailedException e) {
            System.err.println("edge: " + e.getMessage());
            return 1;
        } finally {
            delete(folder);
        }
    }

    private Edge edge(SystemTimers timers, int backend) {
        MachineController none = new MachineController() {
            @Override
            public java.util.concurrent.CompletionStage<Backend> wake(MachineId machine) {
                throw new FailedException("no machine sleeps in this benchmark");
            }

            @Override
            public java.util.concurrent.CompletionStage<Void> stopIdle(MachineId machine, org.allod.edge.Autostop how) {
                throw new FailedException("no machine is stopped in this benchmark");
            }
        };
        InetAddress loopback = InetAddress.getLoopbackAddress();
        Edge edge = Edge.start(
                EdgeConfig.at(new InetSocketAddress(loopback, 0)).withThreads(2), none, clock, timers, Rng.system());
        edge.publish(Catalog.of(List.of(new CatalogApp(
                "hello",
                List.of(Backend.of(
                        MachineId.of(1),
                        new InetSocketAddress(loopback, backend),
                        Backend.State.RUNNING,
                        Service.plain()))))));
        return edge;
    }

    private void measure(int direct, int haproxy, int edge, int rounds, boolean json) {
        PrintStream out = System.out;
        // Warm up: the figures are for compiled code.
        wrk(edge, 8);
        List<Peak> peaks = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            Peak peak = new Peak(wrk(direct, 2), wrk(haproxy, 2), wrk(edge, 2));
            peaks.add(peak);
            if (!json) {
                out.printf(
                        Locale.ROOT,
                        "round %d, %d connections: direct %,.0f/s, haproxy %,.0f/s, edge %,.0f/s, edge : haproxy %.2f%n",
                        i + 1,
                        CONNECTIONS,
                        peak.direct,
                        peak.haproxy,
                        peak.edge,
                        peak.ratio());
            }
        }
        List<Calm> calms = new ArrayList<>();
        for (int i = 0; i < Math.min(rounds, 3); i++) {
            calms.add(new Calm(calm(direct), calm(haproxy), calm(edge)));
        }
        if (json) {
            json(out, peaks, calms);
        } else {
            text(out, peaks, calms);
        }
    }

    private OpenLoop.Latencies calm(int port) {
        return OpenLoop.run(clock, port, new OpenLoop.Request("/", HOST, ""), PER_SECOND, 1.5, 8);
    }

    private static void text(PrintStream out, List<Peak> peaks, List<Calm> calms) {
        out.printf(
                Locale.ROOT,
                "edge : haproxy  %.2f (median of %d)   target >= %.1f%n",
                median(peaks.stream().map(Peak::ratio).toList()),
                peaks.size(),
                RATIO_TARGET);
        out.printf(
                Locale.ROOT,
                "at %,d requests/s, p50 / p99 in ms: direct %.3f / %.3f, haproxy adds %.3f / %.3f, edge adds %.3f / %.3f"
                        + "   target: edge adds <= %.1f at p50%n",
                PER_SECOND,
                median(calms.stream().map(c -> c.direct.millis(0.5)).toList()),
                median(calms.stream().map(c -> c.direct.millis(0.99)).toList()),
                median(calms.stream().map(c -> c.addedByHaproxy(0.5)).toList()),
                median(calms.stream().map(c -> c.addedByHaproxy(0.99)).toList()),
                median(calms.stream().map(c -> c.added(0.5)).toList()),
                median(calms.stream().map(c -> c.added(0.99)).toList()),
                ADDED_TARGET);
    }

    private static void json(PrintStream out, List<Peak> peaks, List<Calm> calms) {
        out.printf(
                Locale.ROOT,
                "{\"benchmark\":\"edge\",\"connections\":%d,\"rounds\":%d,\"direct_per_s\":%.0f,\"haproxy_per_s\":%.0f,"
                        + "\"edge_per_s\":%.0f,\"edge_to_haproxy\":%.3f,\"target_ratio\":%.2f,\"direct_p50_ms\":%.3f,"
                        + "\"haproxy_added_p50_ms\":%.3f,\"edge_added_p50_ms\":%.3f,\"edge_added_p99_ms\":%.3f,"
                        + "\"target_added_p50_ms\":%.2f}%n",
                CONNECTIONS,
                peaks.size(),
                median(peaks.stream().map(Peak::direct).toList()),
                median(peaks.stream().map(Peak::haproxy).toList()),
                median(peaks.stream().map(Peak::edge).toList()),
                median(peaks.stream().map(Peak::ratio).toList()),
                RATIO_TARGET,
                median(calms.stream().map(c -> c.direct.millis(0.5)).toList()),
                median(calms.stream().map(c -> c.addedByHaproxy(0.5)).toList()),
                median(calms.stream().map(c -> c.added(0.5)).toList()),
                median(calms.stream().map(c -> c.added(0.99)).toList()),
                ADDED_TARGET);
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int upper = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(upper) : (sorted.get(upper - 1) + sorted.get(upper)) / 2;
    }

    /** Requests a second in a closed loop. */
    private static double wrk(int port, int seconds) {
        List<String> command = List.of(
                "wrk",
                "-t1",
                "-c" + CONNECTIONS,
                "-d" + seconds + "s",
                "-H",
                "Host: " + HOST,
                "http://127.0.0.1:" + port + "/");
        try {
            Process wrk = new ProcessBuilder(command).redirectErrorStream(true).start();
            String said = new String(wrk.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (said.contains("Non-2xx") || said.contains("Socket errors")) {
                throw new FailedException("wrk got errors on port " + port + ":\n" + said);
            }
            return Stream.of(said.split("\n"))
                    .filter(line -> line.startsWith("Requests/sec:"))
                    .mapToDouble(line -> Double.parseDouble(line.substring(13).trim()))
                    .findFirst()
                    .orElseThrow(() -> new FailedException("wrk did not say how many requests it made:\n" + said));
        } catch (IOException e) {
            throw new FailedException("cannot run wrk (is it installed? apt install wrk)", e);
        }
    }

    private static Path temporary() {
        try {
            return Files.createTempDirectory("allod-bench-edge");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> inside = Files.walk(folder)) {
            for (Path path : inside.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            System.err.println("edge: " + folder + " was not deleted: " + e.getMessage());
        }
    }
}
