package org.allod.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Kills a process that executes many runs ({@code SIGKILL}, when they are spread over all their steps), starts another
 * on the same file and measures how long until every run executes again. Checks that no run is lost or executed twice,
 * and that none resumes before a step whose end was acknowledged.
 */
final class RecoveryBench implements Benchmark {
    @Override
    public String name() {
        return "recovery";
    }

    @Override
    public String purpose() {
        return "10,000 active runs, kill -9, restart: time until all are executing again, and none lost or doubled";
    }

    @Override
    public int run(List<String> args) {
        try {
            return measure(new Arguments(args, Map.of("runs", "10000", "rounds", "3", "dir", "")));
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            return 2;
        } catch (IOException e) {
            System.err.println("benchmark failed: " + e);
            return 1;
        }
    }

    private static int measure(Arguments args) throws IOException {
        List<Double> millis = new ArrayList<>();
        int count = args.number("runs");
        for (int round = 0; round < args.number("rounds"); round++) {
            try (TempDir scratch = TempDir.in(args.text("dir"))) {
                Map<String, Integer> before = killed(scratch.dir(), count);
                millis.add(recovered(scratch.dir(), before));
            }
        }
        Measurements figures = new Measurements(millis);
        if (args.json()) {
            System.out.println("{\"runs\":" + count + ",\"millis\":" + figures.json() + "}");
        } else {
            System.out.printf(
                    Locale.ROOT,
                    "%,d active runs, kill -9: all executing again after %s ms of opening the file;"
                            + " none lost, none twice, no acknowledged event missing (%s rounds; target 2,000 ms)%n",
                    count,
                    figures.text(),
                    args.text("rounds"));
        }
        return 0;
    }

    /**
     * Starts the runs and kills; returns for each run the last step that was seen to begin, -1 if only its start was
     * acknowledged.
     */
    private static Map<String, Integer> killed(Path dir, int count) throws IOException {
        Map<String, Integer> seen = new HashMap<>();
        int started = 0;
        int begun = 0;
        Process child = child("start", dir, count);
        try (BufferedReader lines = child.inputReader(StandardCharsets.UTF_8)) {
            String line = lines.readLine();
            while (line != null) {
                String[] words = line.split(" ", -1);
                if (words[0].equals("started")) {
                    started++;
                    seen.putIfAbsent(words[1], -1);
                } else if (words.length == 3) {
                    begun++;
                    seen.merge(words[1], step(words[2]), Math::max);
                }
                if (started == count && begun > 5 * count && child.isAlive()) {
                    // SIGKILL through the handle: destroying the Process itself would close its output, which is still
                    // being read.
                    child.toHandle().destroyForcibly();
                }
                line = whole(lines);
            }
        } finally {
            child.destroyForcibly();
        }
        if (seen.size() != count) {
            throw new IOException("only " + seen.size() + " of " + count + " runs were started");
        }
        return seen;
    }

    /** Reads a complete line: the last line of a killed process may be truncated. */
    private static @Nullable String whole(BufferedReader lines) throws IOException {
        StringBuilder line = new StringBuilder();
        int c = lines.read();
        while (c != '\n') {
            if (c < 0) {
                return null;
            }
            line.append((char) c);
            c = lines.read();
        }
        return line.toString();
    }

    private static double recovered(Path dir, Map<String, Integer> before) throws IOException {
        Map<String, Integer> after = new HashMap<>();
        double millis = -1;
        Process child = child("resume", dir, before.size());
        try (BufferedReader lines = child.inputReader(StandardCharsets.UTF_8)) {
            for (String line = whole(lines); line != null; line = whole(lines)) {
                String[] words = line.split(" ", -1);
                if (words[0].equals("all")) {
                    millis = Long.parseLong(words[1]) / 1000.0;
                } else if (words[0].equals("begun") && after.put(words[1], step(words[2])) != null) {
                    throw new IOException("run " + words[1] + " is executed twice");
                }
            }
        } finally {
            child.destroyForcibly();
        }
        for (Map.Entry<String, Integer> run : before.entrySet()) {
            Integer step = after.get(run.getKey());
            if (step == null) {
                throw new IOException("run " + run.getKey() + " is lost");
            }
            if (step < run.getValue()) {
                throw new IOException(
                        "run " + run.getKey() + " is back at step " + step + ", but had begun step " + run.getValue());
            }
        }
        return millis;
    }

    private static int step(String name) {
        return Integer.parseInt(name.substring("step".length()));
    }

    private static Process child(String mode, Path dir, int count) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return new ProcessBuilder(
                        java,
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        RecoveryChild.class.getName(),
                        mode,
                        dir.toString(),
                        Integer.toString(count))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
