package org.allod.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a person waits for: {@code allod machine list} as a process from the shell, next to {@code /bin/true} in the same
 * run. Needs a daemon that runs ({@code allod up}); the two are started in turn, so that a busy moment hits both.
 */
final class CliBench implements Benchmark {
    private static final double TARGET_MILLIS = 150;

    @Override
    public String name() {
        return "cli";
    }

    @Override
    public String purpose() {
        return "p50 of `allod machine list` as a process, beside /bin/true";
    }

    @Override
    public int run(List<String> args) {
        Arguments arguments;
        try {
            arguments = new Arguments(args, Map.of("runs", "31"));
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            return 2;
        }
        List<String> command =
                List.of(Path.of(System.getProperty("allod.home", "."), "allod").toString(), "machine", "list");
        List<Double> ours = new ArrayList<>();
        List<Double> floor = new ArrayList<>();
        for (int i = 0; i < Math.clamp(arguments.number("runs"), 3, 1000) + 2; i++) {
            double bare = millis(List.of("/bin/true"));
            double listed = millis(command);
            if (bare < 0 || listed < 0) {
                System.err.println("`allod machine list` failed: is a daemon running? `allod up` starts one");
                return 1;
            }
            // The first two fill the page cache.
            if (i >= 2) {
                floor.add(bare);
                ours.add(listed);
            }
        }
        print(arguments.json(), ours, floor);
        return 0;
    }

    private static void print(boolean json, List<Double> ours, List<Double> floor) {
        double p50 = at(ours, 50);
        System.out.println(
                json
                        ? String.format(
                                Locale.ROOT,
                                "{\"name\":\"cli\",\"p50_ms\":%.1f,\"p90_ms\":%.1f,\"floor_p50_ms\":%.1f,\"target_ms\":%.0f}",
                                p50,
                                at(ours, 90),
                                at(floor, 50),
                                TARGET_MILLIS)
                        : String.format(
                                Locale.ROOT,
                                "allod machine list: p50 %.0f ms, p90 %.0f ms over %d runs; /bin/true: p50 %.1f ms; target p50 %.0f ms: %s",
                                p50,
                                at(ours, 90),
                                ours.size(),
                                at(floor, 50),
                                TARGET_MILLIS,
                                p50 <= TARGET_MILLIS ? "met" : "missed"));
    }

    private static double at(List<Double> values, int percent) {
        return values.stream().sorted().toList().get(Math.min(values.size() - 1, values.size() * percent / 100));
    }

    /** Wall time of one process; -1 where it failed. */
    private static double millis(List<String> command) {
        try {
            long start = System.nanoTime();
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor() == 0 ? (System.nanoTime() - start) / 1e6 : -1;
        } catch (IOException e) {
            return -1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return -1;
        }
    }
}
