package org.allod.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code allod machine list} as a user runs it: a process, from the launcher to its exit, alternating with a JVM that
 * does nothing. It calls the benchmark's own daemon.
 */
final class CliBench extends GuestBench {
    private static final double TARGET = 150;

    CliBench() {
        super(Map.of("rounds", "25"));
    }

    @Override
    public String name() {
        return "cli";
    }

    @Override
    public String purpose() {
        return "p50 of `allod machine list` as a process, beside a JVM that does nothing";
    }

    @Override
    void measure(Arguments args) throws IOException {
        List<Double> ours = new ArrayList<>();
        List<Double> floors = new ArrayList<>();
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor")) {
            for (int i = 0; i < 3; i++) {
                String _ = daemon.machine("number-" + i);
            }
            List<String> line = List.of(
                    BenchDaemon.launcher().toString(),
                    "machine",
                    "list",
                    "--data",
                    daemon.data().toString());
            for (int round = -3; round < args.number("rounds"); round++) {
                double floor =
                        BareRunsc.timed(List.of(DaemonBench.java(), "-XX:+UseSerialGC", "-Xshare:auto", "-version"));
                double mine = BareRunsc.timed(line);
                if (round >= 0) {
                    floors.add(floor);
                    ours.add(mine);
                }
            }
        }
        ResultRow.bound(args.json(), "allod machine list", "ms", ours, floors, TARGET);
    }
}
