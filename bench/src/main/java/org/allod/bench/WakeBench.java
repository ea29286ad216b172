package org.allod.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * A request through the edge that wakes a gVisor machine, to its first byte: once from stopped, once from suspended.
 * The floors are a bare {@code runsc run} and {@code runsc restore} of the same server on the same root, alternating
 * with it.
 */
final class WakeBench extends GuestBench {
    private static final double TARGET = 1.5;
    /** A pause, so that neither side pays for what the other has just ended. */
    private static final long REST = 150_000_000;

    WakeBench() {
        super(Map.of("rounds", "15"));
    }

    @Override
    public String name() {
        return "wake";
    }

    @Override
    public String purpose() {
        return "a request to a stopped and to a suspended gVisor machine, beside bare runsc run and restore";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> started = new ArrayList<>();
        List<Double> ran = new ArrayList<>();
        List<Double> resumed = new ArrayList<>();
        List<Double> restored = new ArrayList<>();
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor");
                TempDir scratch = TempDir.in("/var/tmp")) {
            String machine = daemon.machine("one");
            try (BareRunsc bare = new BareRunsc(scratch.dir(), daemon.data(), machine)) {
                bare.save();
                // The first rounds warm up the daemon's code.
                int warm = 3;
                for (int round = -warm; round < args.number("rounds"); round++) {
                    double run = rested(bare::run);
                    double start = woken(daemon, machine, "stop", "stopped");
                    double restore = rested(bare::restore);
                    double resume = woken(daemon, machine, "suspend", "suspended");
                    if (round >= 0) {
                        ran.add(run);
                        started.add(start);
                        restored.add(restore);
                        resumed.add(resume);
                    }
                }
            }
        }
        ResultRow.ratio(args.json(), "wake a stopped machine", started, ran, TARGET);
        ResultRow.ratio(args.json(), "wake a suspended machine", resumed, restored, TARGET);
    }

    private interface Begin {
        BareRunsc.Running run() throws IOException;
    }

    private static double rested(Begin begin) throws IOException {
        rest();
        try (BareRunsc.Running running = begin.run()) {
            return running.firstByte;
        }
    }

    private static double woken(BenchDaemon daemon, String machine, String verb, String asleep) throws IOException {
        sleep(daemon, machine, verb, asleep);
        return request(daemon);
    }

    static void sleep(BenchDaemon daemon, String machine, String verb, String asleep) throws IOException {
        daemon.call("POST", BenchDaemon.path(machine) + "/" + verb, "");
        daemon.await(machine, asleep);
        rest();
    }

    static void rest() {
        LockSupport.parkNanos(REST);
    }

    static double request(BenchDaemon daemon) throws IOException {
        return FirstByte.of(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), daemon.edge()),
                BenchDaemon.APP + ".localhost",
                System.nanoTime());
    }
}
