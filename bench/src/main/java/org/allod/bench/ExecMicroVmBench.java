package org.allod.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code true} run in a running microVM through the API. It has no floor, because a bare microVM has no exec. */
final class ExecMicroVmBench extends GuestBench {
    private static final double TARGET = 60;
    private static final int WARM = 10;

    ExecMicroVmBench() {
        super(Map.of("rounds", "60"));
    }

    @Override
    public String name() {
        return "exec-microvm";
    }

    @Override
    public String purpose() {
        return "exec of true in a running microVM through the API";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> ours = new ArrayList<>();
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "microvm")) {
            String machine = daemon.machine("one");
            double _ = WakeBench.request(daemon);
            for (int round = -WARM; round < args.number("rounds"); round++) {
                double mine = ExecBench.exec(daemon, machine);
                if (round >= 0) {
                    ours.add(mine);
                }
            }
        }
        ResultRow.bound(args.json(), "exec true in a microVM", "ms", ours, List.of(), TARGET);
    }
}
