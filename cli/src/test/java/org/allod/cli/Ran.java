package org.allod.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The command, run: as a process like a person's, or in this one where only its words matter. */
record Ran(int exit, String out, String err) {
    /** In this process: a tenth of the time. */
    static Ran here(Path data, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                Set.of(),
                true);
        int exit = Main.run(List.of(args), console, Map.of("ALLOD_DATA", data.toString()));
        return new Ran(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** The command line of a JVM that runs the command. */
    static List<String> command(String... args) {
        List<String> argv = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dallod.home=" + System.getProperty("allod.clone"),
                "-cp",
                System.getProperty("java.class.path"),
                "org.allod.cli.Main"));
        argv.addAll(Arrays.asList(args));
        return argv;
    }

    static Ran process(Path data, String... args) throws Exception {
        return of(Map.of("ALLOD_DATA", data.toString()), "", command(args));
    }

    /** Any process, its environment cleared of what the tests' own surroundings say about Allod and Java. */
    static Ran of(Map<String, String> env, String stdin, List<String> argv) throws Exception {
        Path out = Files.createTempFile("allod-out", ".txt");
        Path err = Files.createTempFile("allod-err", ".txt");
        Path in = Files.writeString(Files.createTempFile("allod-in", ".txt"), stdin);
        try {
            ProcessBuilder builder = new ProcessBuilder(argv)
                    .redirectInput(in.toFile())
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            Map<String, String> all = new HashMap<>(env);
            all.putIfAbsent("PATH", System.getenv("PATH"));
            builder.environment().clear();
            builder.environment().putAll(all);
            Process process = builder.start();
            if (!process.waitFor(120, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("still running after 120 s: " + argv);
            }
            return new Ran(process.exitValue(), Files.readString(out), Files.readString(err));
        } finally {
            for (Path file : List.of(out, err, in)) {
                delete(file);
            }
        }
    }

    private static void delete(Path file) throws IOException {
        Files.deleteIfExists(file);
    }
}
