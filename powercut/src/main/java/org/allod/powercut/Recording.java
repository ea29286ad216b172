package org.allod.powercut;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.allod.base.FailedException;

/**
 * Every change that one or more processes made to a folder, in order, with its data. See the package for what is
 * recorded and what is refused. Needs {@code strace}, and the right to trace a child. Immutable.
 */
public final class Recording {
    /** Longer than any recorded process takes on a crowded machine. */
    private static final int LONGEST_MINUTES = 3;

    private final Path trace;
    private final List<CutPoint> moments;

    private Recording(Path trace, List<CutPoint> moments) {
        this.trace = trace;
        this.moments = moments;
    }

    /** Writes a recording while processes run, one after the other, on a folder that is empty at first. */
    public static final class Recorder {
        private final Path root;
        private final Path ledger;
        private final Path trace;

        /**
         * @param root the folder that is recorded
         * @param ledger the file, outside of it, to which the processes append what was acknowledged: a line, a write
         * @param trace where the recording goes; {@link Recording#read} reads it again
         */
        public Recorder(Path root, Path ledger, Path trace) throws IOException {
            this.root = root.toAbsolutePath();
            this.ledger = ledger.toAbsolutePath();
            this.trace = trace.toAbsolutePath();
            Files.createDirectories(root);
            Files.writeString(trace, this.root + "\n" + this.ledger + "\n");
        }

        /**
         * Runs a command to its end.
         *
         * @return its exit code
         * @throws FailedException where it did something to the folder that is not modelled
         */
        public int run(List<String> command) throws IOException, InterruptedException {
            return run(List.of(), command);
        }

        private int run(List<String> faults, List<String> command) throws IOException, InterruptedException {
            List<String> argv = new ArrayList<>(List.of("strace", "-f", "--seccomp-bpf", "-qq", "-y"));
            argv.addAll(List.of("-s", "67108864", "-e", "signal=none", "-e", "trace=" + StraceParser.CALLS));
            faults.forEach(fault -> argv.addAll(List.of("-e", "inject=" + fault)));
            argv.addAll(List.of("-A", "-o", trace.toString(), "--"));
            argv.addAll(command);
            Process process = new ProcessBuilder(argv).inheritIO().start();
            if (!process.waitFor(LONGEST_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new FailedException("the recorded process hangs: " + String.join(" ", command));
            }
            compare(Recording.read(trace));
            return process.exitValue();
        }

        /** Runs the main method of a class that this process could run, in a small JVM of its own; its exit code. */
        public int run(Class<?> main, String... args) throws IOException, InterruptedException {
            return run(List.of(), main, args);
        }

        /**
         * The same on a disk that fails.
         *
         * @param faults what strace is to inject, such as {@code fsync,fdatasync:error=EIO:when=3}; calls are counted by
         *     name and thread, on whatever file they are
         */
        public int run(List<String> faults, Class<?> main, String... args) throws IOException, InterruptedException {
            return run(faults, jvm(main, args));
        }

        /** The command for that JVM. */
        public static List<String> jvm(Class<?> main, String... args) {
            List<String> command = new ArrayList<>(List.of(
                    ProcessHandle.current().info().command().orElseThrow(),
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    // Some code takes another way where there is no second carrier.
                    "-Djdk.virtualThreadScheduler.parallelism=2",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    main.getName()));
            command.addAll(List.of(args));
            return command;
        }

        public Recording end() throws IOException {
            return read(trace);
        }

        /** A recorder that misses a call would let every test pass: what it makes must be what is there. */
        private void compare(Recording recording) throws IOException {
            Disk disk = new Disk();
            recording.moments.forEach(disk::play);
            Path copy = trace.resolveSibling(trace.getFileName() + ".whole");
            disk.whole(copy);
            List<Path> there = files(root);
            if (!there.equals(files(copy))) {
                throw new FailedException("the recording made the files " + files(copy) + ", there are " + there);
            }
            for (Path file : there) {
                long difference = Files.mismatch(root.resolve(file), copy.resolve(file));
                if (difference >= 0) {
                    throw new FailedException(
                            "the recording of " + file + " is another from byte " + difference + " on");
                }
            }
            delete(copy);
        }

        private static List<Path> files(Path folder) throws IOException {
            try (Stream<Path> paths = Files.walk(folder)) {
                return paths.filter(Files::isRegularFile)
                        .filter(p -> !p.toString().endsWith("-shm"))
                        .map(folder::relativize)
                        .sorted()
                        .toList();
            }
        }
    }

    /** A recording that was kept. */
    public static Recording read(Path trace) throws IOException {
        List<String> head;
        try (Stream<String> lines = Files.lines(trace, java.nio.charset.StandardCharsets.ISO_8859_1)) {
            head = lines.limit(2).toList();
        }
        return new Recording(trace, StraceParser.read(trace, Path.of(head.get(0)), Path.of(head.get(1))));
    }

    /** The same, as if the disk had not heard the flushes of some files or folders (relative paths; "" is the root). */
    public Recording ignoring(Predicate<String> paths) {
        return new Recording(
                trace,
                moments.stream()
                        .filter(m -> !(m.op() instanceof DiskOperation.Flush(String path) && paths.test(path)))
                        .toList());
    }

    /** How many moments there are at which the power may go. */
    public int length() {
        return moments.size();
    }

    List<CutPoint> moments() {
        return moments;
    }

    /**
     * What was refused by an injected error: call and file or folder, in order; but not
     * on the index of a log. */
    public List<String> injected() throws IOException {
        try (Stream<String> lines = Files.lines(trace, java.nio.charset.StandardCharsets.ISO_8859_1)) {
            return StraceParser.injected(trace, Path.of(lines.findFirst().orElseThrow()));
        }
    }

    /** Where it is kept. */
    public Path file() {
        return trace;
    }

    static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /** Appends a line to a ledger, as one write; what a recorded process calls. */
    public static void acknowledge(Path ledger, String line) {
        try {
            Files.writeString(ledger, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new FailedException("writing to the ledger " + ledger, e);
        }
    }
}
