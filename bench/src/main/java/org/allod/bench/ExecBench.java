package org.allod.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code true} run in a running gVisor machine through the API, beside a bare {@code runsc exec}. */
final class ExecBench extends GuestBench {
    private static final double TARGET = 25;

    ExecBench() {
        super(Map.of("rounds", "60"));
    }

    @Override
    public String name() {
        return "exec";
    }

    @Override
    public String purpose() {
        return "exec of true in a running gVisor machine through the API, beside bare runsc exec";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> ours = new ArrayList<>();
        List<Double> bares = new ArrayList<>();
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor");
                TempDir scratch = TempDir.in("/var/tmp")) {
            String machine = daemon.machine("one");
            try (BareRunsc bare = new BareRunsc(scratch.dir(), daemon.data(), machine);
                    BareRunsc.Running running = bare.run()) {
                for (int round = -10; round < args.number("rounds"); round++) {
                    double floor = running.exec("/bin/busybox", "true");
                    double mine = exec(daemon, machine);
                    if (round >= 0) {
                        bares.add(floor);
                        ours.add(mine);
                    }
                }
            }
        }
        ResultRow.bound(args.json(), "exec true in gVisor", "ms", ours, bares, TARGET);
    }

    static double exec(BenchDaemon daemon, String machine) throws IOException {
        long began = System.nanoTime();
        daemon.call("POST", BenchDaemon.path(machine) + "/exec", "{\"command\":[\"/bin/busybox\",\"true\"]}");
        return (System.nanoTime() - began) / 1e6;
    }
}
