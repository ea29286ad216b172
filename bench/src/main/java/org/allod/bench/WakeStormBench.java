package org.allod.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.allod.base.FailedException;

/**
 * Many apps whose only machine sleeps, each requested at the same moment: the median and the longest wait, and how many
 * machines come up a second. Beside it, in the same run, a bare loop of runsc that runs and restores sandboxes one
 * after the other.
 */
final class WakeStormBench extends GuestBench {
    private static final double FAIR = 0.55;

    WakeStormBench() {
        super(Map.of("machines", "60", "rounds", "1", "bare", "20"));
    }

    @Override
    public String name() {
        return "wake-storm";
    }

    @Override
    public String purpose() {
        return "60 apps with a stopped, then a suspended gVisor machine, all asked for at once";
    }

    @Override
    void measure(Arguments args) throws IOException {
        int count = args.number("machines");
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor");
                TempDir scratch = TempDir.in("/var/tmp")) {
            List<String> machines = new ArrayList<>();
            try {
                for (int i = 0; i < count; i++) {
                    machines.add(daemon.appWithMachine("storm-" + i));
                }
                for (String[] sleep : new String[][] {{"stop", "stopped"}, {"suspend", "suspended"}}) {
                    for (int round = 0; round < args.number("rounds"); round++) {
                        storm(args, daemon, machines, sleep[0], sleep[1]);
                    }
                }
                bare(
                        args,
                        daemon,
                        scratch,
                        machines.getFirst().substring(machines.getFirst().lastIndexOf('/') + 1));
            } finally {
                var _ = LoadClients.sideBySide(
                        4, machines.size(), i -> daemon.call("DELETE", "/v1/apps/storm-" + i + "?force=true", ""));
            }
        }
    }

    private static void storm(Arguments args, BenchDaemon daemon, List<String> machines, String verb, String asleep)
            throws IOException {
        var _ = LoadClients.sideBySide(4, machines.size(), i -> {
            daemon.call("POST", machines.get(i) + "/" + verb, "");
            return daemon.call("GET", machines.get(i) + "/wait?timeout=60&state=" + asleep, "");
        });
        WakeBench.rest();
        InetSocketAddress edge = new InetSocketAddress(InetAddress.getLoopbackAddress(), daemon.edge());
        List<Double> took = new ArrayList<>();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            long began = System.nanoTime();
            List<Future<Double>> under = new ArrayList<>();
            for (int i = 0; i < machines.size(); i++) {
                String host = "storm-" + i + ".localhost";
                under.add(clients.submit(() -> FirstByte.of(edge, host, began)));
            }
            for (Future<Double> each : under) {
                took.add(each.get());
            }
        } catch (ExecutionException e) {
            throw new FailedException("a request of the storm failed: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
        Measurements figures = new Measurements(took);
        double p50 = figures.median();
        double slowest = figures.most();
        ResultRow.storm(args.json(), asleep, machines.size(), p50, slowest, FAIR);
    }

    /** The floor: the same server in bare sandboxes, one after the other. */
    private static void bare(Arguments args, BenchDaemon daemon, TempDir scratch, String machine) throws IOException {
        int count = args.number("bare");
        try (BareRunsc bare = new BareRunsc(scratch.dir(), daemon.data(), machine)) {
            bare.save();
            ResultRow.rate(args.json(), "bare runsc run, one after the other", count, loop(count, bare::run));
            ResultRow.rate(args.json(), "bare runsc restore, one after the other", count, loop(count, bare::restore));
        }
    }

    private interface Begin {
        BareRunsc.Running run() throws IOException;
    }

    /** Milliseconds in which {@code count} sandboxes came up; ending them is not counted. */
    private static double loop(int count, Begin begin) throws IOException {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            try (BareRunsc.Running running = begin.run()) {
                sum += running.firstByte;
            }
        }
        return sum;
    }
}
