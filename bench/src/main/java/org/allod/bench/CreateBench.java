package org.allod.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * From the request that creates a gVisor machine, whose image is here, to its state {@code started}; beside a bare
 * {@code runsc run} of the same image's server to its first byte, reported only for comparison.
 */
final class CreateBench extends GuestBench {
    private static final double TARGET = 200;
    private static final int WARM = 3;

    CreateBench() {
        super(Map.of("rounds", "15"));
    }

    @Override
    public String name() {
        return "create";
    }

    @Override
    public String purpose() {
        return "create to started of a gVisor machine, beside a bare runsc run";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> created = new ArrayList<>();
        List<Double> ran = new ArrayList<>();
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor");
                TempDir scratch = TempDir.in("/var/tmp")) {
            String model = daemon.machine("model");
            try (BareRunsc bare = new BareRunsc(scratch.dir(), daemon.data(), model)) {
                for (int round = -WARM; round < args.number("rounds"); round++) {
                    WakeBench.rest();
                    double run;
                    try (BareRunsc.Running running = bare.run()) {
                        run = running.firstByte;
                    }
                    double create = created(daemon, "number-" + (round + WARM));
                    if (round >= 0) {
                        ran.add(run);
                        created.add(create);
                    }
                }
            }
        }
        ResultRow.bound(args.json(), "create to started, gVisor", "ms", created, ran, TARGET);
    }

    /** Milliseconds from the request to the response that it has started; then the machine is destroyed. */
    static double created(BenchDaemon daemon, String name) throws IOException {
        WakeBench.rest();
        long began = System.nanoTime();
        String id = daemon.machine(name);
        double millis = (System.nanoTime() - began) / 1e6;
        daemon.destroy(id);
        return millis;
    }
}
