package org.allod.image;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;

/**
 * Runs a host program and waits for it. The program dies with this process: if this process is killed the kernel kills
 * the program too, so that nothing writes into a folder that the next start clears.
 *
 * <p>Call it on a platform thread: the kernel's parent-death signal is bound to the thread that started the program,
 * and a virtual thread's carrier may end before it.
 */
final class ToolRunner {
    private static final int LAST_LINES = 40;
    private static final int LINE = 400;

    private ToolRunner() {}

    /**
     * Runs {@code command}, in its own process namespace if {@code contained}, so that all its children and mounts end
     * with it.
     *
     * @return the last lines it printed
     * @throws ToolException if its exit code is not 0
     * @throws FailedException if it cannot be run, or takes longer than {@code minutes}
     */
    static List<String> run(
            List<String> command,
            Path folder,
            Map<String, String> env,
            boolean contained,
            int minutes,
            Consumer<String> line)
            throws IOException, InterruptedException {
        List<String> whole = new ArrayList<>(List.of("setpriv", "--pdeathsig", "KILL"));
        if (contained) {
            whole.addAll(List.of("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"));
        }
        whole.addAll(command);
        ProcessBuilder builder =
                new ProcessBuilder(whole).directory(folder.toFile()).redirectErrorStream(true);
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().putAll(env);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new FailedException("could not run " + command.getFirst() + ": " + e.getMessage(), e);
        }
        Deque<String> last = new ArrayDeque<>();
        Thread reader =
                Thread.ofVirtual().name("output of " + command.getFirst()).start(() -> read(process, last, line));
        try {
            if (!process.waitFor(minutes, TimeUnit.MINUTES)) {
                throw new FailedException(
                        command.getFirst() + " did not end within " + minutes + " minutes and was killed");
            }
            reader.join();
        } finally {
            process.destroyForcibly();
            awaitEnd(process);
        }
        List<String> lines;
        synchronized (last) {
            lines = List.copyOf(last);
        }
        if (process.exitValue() != 0) {
            throw new ToolException(command.getFirst(), process.exitValue(), lines);
        }
        return lines;
    }

    /** The path of {@code program} on this host, if it is installed. */
    static Optional<Path> find(String program) {
        return find(program, System.getenv());
    }

    static Optional<Path> find(String program, Map<String, String> env) {
        String path = env.getOrDefault("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin";
        return Stream.of(path.split(":"))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Refuses early, with the name of the Debian package, what would fail later with an unclear error. */
    static void require(String program, String debianPackage, String purpose) {
        if (find(program).isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    program + " is not installed; it is needed to " + purpose,
                    "apt-get install " + debianPackage);
        }
    }

    private static void read(Process process, Deque<String> last, Consumer<String> line) {
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String text = out.readLine(); text != null; text = out.readLine()) {
                String shown = text.length() > LINE ? text.substring(0, LINE) : text;
                synchronized (last) {
                    last.add(shown);
                    if (last.size() > LAST_LINES) {
                        last.remove();
                    }
                }
                line.accept(shown);
            }
        } catch (IOException e) {
            // The stream closes when the program is killed; its exit code tells why.
        }
    }

    /** Waits until a killed program is gone, because its folder cannot be removed before. */
    private static void awaitEnd(Process process) {
        boolean interrupted = false;
        while (process.isAlive()) {
            try {
                process.waitFor();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
