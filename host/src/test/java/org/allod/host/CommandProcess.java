package org.allod.host;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The {@code allod} command as a process of its own, against a daemon that is one too; what it says is read along. */
final class CommandProcess implements AutoCloseable {
    private final Process process;
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final Thread reader;

    private CommandProcess(List<String> argv, Path data) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(argv).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("ALLOD_") || name.equals("JAVA_TOOL_OPTIONS"));
        builder.environment().put("ALLOD_DATA", data.toString());
        process = builder.start();
        reader = Thread.ofPlatform().daemon().name("command").start(this::read);
    }

    private static List<String> argv(boolean terminal, String... words) {
        List<String> argv = new ArrayList<>(List.of(
                // Where the tests run in the background SIGINT is ignored, by whatever they start too.
                "env",
                "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+ExitOnOutOfMemoryError",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "-Dallod.tty=" + (terminal ? "0,1,2" : ""),
                "-Dallod.home=" + System.getProperty("allod.clone"),
                "-cp",
                System.getProperty("java.class.path"),
                "org.allod.cli.Main"));
        argv.addAll(List.of(words));
        return argv;
    }

    /** As a script runs it: no terminal, nothing to read. */
    static CommandProcess start(DaemonProcess daemon, String... words) throws IOException {
        CommandProcess command = new CommandProcess(argv(false, words), daemon.data);
        command.process.getOutputStream().close();
        return command;
    }

    /** As a person runs it, at a terminal of its own; what is typed goes through that. */
    static CommandProcess atTerminal(DaemonProcess daemon, String... words) throws IOException {
        String line = String.join(
                " ", argv(true, words).stream().map(w -> "'" + w + "'").toList());
        return new CommandProcess(
                List.of("script", "--quiet", "--return", "--command", "exec " + line, "/dev/null"), daemon.data);
    }

    private void read() {
        byte[] piece = new byte[4_096];
        try (InputStream out = process.getInputStream()) {
            for (int n = out.read(piece); n >= 0; n = out.read(piece)) {
                synchronized (said) {
                    said.write(piece, 0, n);
                }
            }
        } catch (IOException e) {
            // It was killed: what it said until then counts.
        }
    }

    String said() {
        synchronized (said) {
            return said.toString(StandardCharsets.UTF_8);
        }
    }

    /** Waits until it has said this. */
    void awaitSaid(String text) throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!said().contains(text)) {
            if (System.nanoTime() > until || !process.isAlive() && !reader.isAlive() && !said().contains(text)) {
                throw new AssertionError("it never said \"" + text + "\": " + said());
            }
            Thread.sleep(2);
        }
    }

    void type(String text) throws IOException {
        OutputStream in = process.getOutputStream();
        in.write(text.getBytes(StandardCharsets.UTF_8));
        in.flush();
    }

    /** What a shell does for Ctrl-C. */
    void interrupt() throws Exception {
        int exit =
                new ProcessBuilder("kill", "-INT", "" + process.pid()).start().waitFor();
        if (exit != 0) {
            throw new AssertionError("it had ended: " + said());
        }
    }

    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** Waits for its end; its exit code. */
    int exit() throws InterruptedException {
        if (!process.waitFor(100, TimeUnit.SECONDS)) {
            throw new AssertionError("still running: " + said());
        }
        reader.join(5_000);
        return process.exitValue();
    }

    @Override
    public void close() throws InterruptedException {
        if (process.isAlive()) {
            kill();
        }
    }
}
