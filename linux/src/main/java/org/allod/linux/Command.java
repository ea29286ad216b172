package org.allod.linux;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;

/**
 * A short command on the host. Running it waits for its end; its output is bounded, and it is killed after a timeout.
 * Arguments must hold no secret, because they appear in errors and in every process list; pass secrets by {@link
 * #input}.
 *
 * @param argv the command and its arguments
 * @param input its standard input
 * @param timeout the time after which it is killed
 * @param folder its working directory; empty for that of this process
 */
public record Command(List<String> argv, String input, Duration timeout, Optional<Path> folder) {
    /** Enough for every listing that is needed; output beyond this is read and dropped. */
    private static final int MAX_OUTPUT = 4 << 20;

    private static final int ERROR_TAIL = 600;
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(20);
    private static final Duration DRAIN = Duration.ofSeconds(1);

    public Command {
        argv = List.copyOf(argv);
    }

    public static Command of(String... argv) {
        return of(List.of(argv));
    }

    public static Command of(List<String> argv) {
        return new Command(argv, "", DEFAULT_TIMEOUT, Optional.empty());
    }

    public Command input(String text) {
        return new Command(argv, text, timeout, folder);
    }

    public Command timeout(Duration bound) {
        return new Command(argv, input, bound, folder);
    }

    public Command in(Path workingFolder) {
        return new Command(argv, input, timeout, Optional.of(workingFolder));
    }

    /** A command's exit code and the beginning of its output. */
    public record Result(int exit, String out, String err) {
        public boolean ok() {
            return exit == 0;
        }
    }

    /**
     * Runs it and returns its standard output.
     *
     * @throws FailedException if the exit code is not 0
     */
    public String output() {
        Result result = run();
        if (!result.ok()) {
            throw failure(result);
        }
        return result.out();
    }

    /** The exception that says how this command ended. */
    public FailedException failure(Result result) {
        String said = (result.err().isBlank() ? result.out() : result.err()).strip();
        String tail = said.length() > ERROR_TAIL ? "…" + said.substring(said.length() - ERROR_TAIL) : said;
        return new FailedException(
                "`" + displayed() + "` ended with exit code " + result.exit() + (tail.isEmpty() ? "" : ": " + tail));
    }

    /** Runs it and accepts any exit code. */
    public Result run() {
        ProcessBuilder builder = new ProcessBuilder(argv);
        folder.ifPresent(path -> builder.directory(path.toFile()));
        builder.environment().put("LC_ALL", "C");
        try (PipeCapture out = PipeCapture.first(MAX_OUTPUT);
                PipeCapture err = PipeCapture.first(MAX_OUTPUT)) {
            Process process = start(builder, out, err);
            try {
                feed(process);
                if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new FailedException(
                            "`" + displayed() + "` did not end within " + timeout.toMillis() + " ms and was killed");
                }
                // A child of the command may hold the pipes open longer: wait briefly, then take what has arrived.
                out.awaitEnd(DRAIN);
                err.awaitEnd(DRAIN);
                return new Result(process.exitValue(), out.text(), err.text());
            } finally {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while `" + displayed() + "` ran; it was killed", e);
        }
    }

    private Process start(ProcessBuilder builder, PipeCapture out, PipeCapture err) {
        try {
            return builder.redirectOutput(out.output())
                    .redirectError(err.output())
                    .start();
        } catch (IOException e) {
            throw new FailedException(
                    "cannot run `" + argv.getFirst() + "`: " + e.getMessage() + ". Is it installed?", e);
        } finally {
            out.onProcessStarted();
            err.onProcessStarted();
        }
    }

    private void feed(Process process) {
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // The command ended or closed its input without reading all of it; the exit code tells whether it failed.
        }
    }

    private String displayed() {
        return String.join(" ", argv);
    }
}
