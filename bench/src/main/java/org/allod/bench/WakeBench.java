package org.allod.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * A request through the edge that wakes a gVisor machine, to its first byte: once it was stopped, once suspended. The
 * floors are a bare {@code runsc run} and {@code runsc restore} of the same server on the same root, in turns with it.
 */
final class WakeBench extends GuestBench {
    private static final double TARGET = 1.5;
    /** So that neither side pays for what the other has just ended. */
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
        try (Cloud cloud = Cloud.serving("--runtime", "gvisor");
                Scratch scratch = Scratch.in("/var/tmp")) {
            String machine = cloud.machine("one");
            try (BareRunsc bare = new BareRunsc(scratch.dir(), cloud.data(), machine)) {
                bare.save();
                // The first rounds warm the daemon's code up, as its first minutes would.
                int warm = 3;
                for (int round = -warm; round < args.number("rounds"); round++) {
                    double run = rested(bare::run);
                    double start = woken(cloud, machine, "stop", "stopped");
                    double restore = rested(bare::restore);
                    double resume = woken(cloud, machine, "suspend", "suspended");
                    if (round >= 0) {
                        ran.add(run);
                        started.add(start);
                        restored.add(restore);
                        resumed.add(resume);
                    }
                }
            }
        }
        Verdict.ratio(args.json(), "wake a stopped machine", started, ran, TARGET);
        Verdict.ratio(args.json(), "wake a suspended machine", resumed, restored, TARGET);
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

    private static double woken(Cloud cloud, String machine, String verb, String asleep) throws IOException {
        sleep(cloud, machine, verb, asleep);
        return request(cloud);
    }

    static void sleep(Cloud cloud, String machine, String verb, String asleep) throws IOException {
        cloud.call("POST", Cloud.path(machine) + "/" + verb, "");
        cloud.await(machine, asleep);
        rest();
    }

    static void rest() {
        LockSupport.parkNanos(REST);
    }

    static double request(Cloud cloud) throws IOException {
        return FirstByte.of(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), cloud.edge()),
                Cloud.APP + ".localhost",
                System.nanoTime());
    }
}
