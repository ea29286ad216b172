package org.allod.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.linux.Command;

/** Starts the daemon as a background process of this host, waits for it, and stops it. */
final class DaemonLauncher {
    /** Allows for a loaded host, a cold disk, and a JVM without its cache. */
    private static final Duration START = Duration.ofSeconds(60);

    /** The time that the daemon allows its own parts for closing, and a margin. */
    private static final Duration STOP = Duration.ofSeconds(40);

    private static final int LOG_TAIL = 20;

    private final CommandContext context;
    private final Path data;

    DaemonLauncher(CommandContext context) {
        this.context = context;
        this.data = context.data();
    }

    /** Starts it in a session of its own, so that closing the terminal does not end it. */
    Process start(String api, String edge, String region) {
        List<String> argv = new ArrayList<>(List.of(
                "setsid",
                LocalSystem.home().resolve("allod").toString(),
                "host",
                "--data",
                data.toString(),
                "--api",
                api,
                "--edge",
                edge,
                "--region",
                region));
        try {
            Path settings = data.resolve("logging.properties");
            Files.writeString(settings, logging());
            ProcessBuilder builder = new ProcessBuilder(argv)
                    .directory(data.toFile())
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(data.resolve("host.out").toFile())
                    .redirectErrorStream(true);
            builder.environment().put("ALLOD_LOG", settings.toString());
            builder.environment().remove("NOTIFY_SOCKET");
            Process process = builder.start();
            Files.writeString(data.resolve("host.pid"), process.pid() + "\n");
            return process;
        } catch (IOException e) {
            throw new FailedException(
                    "cannot start the daemon in " + data + ": " + e.getMessage()
                            + "\n  is the disk full, or the folder another user's?",
                    e);
        }
    }

    /** Limits the log to three files of 10 MB: an unattended daemon must not fill the disk with it. */
    private String logging() {
        return """
        handlers=java.util.logging.FileHandler
        java.util.logging.FileHandler.pattern=%s/host.log.%%g
        java.util.logging.FileHandler.limit=10000000
        java.util.logging.FileHandler.count=3
        java.util.logging.FileHandler.append=true
        java.util.logging.FileHandler.formatter=java.util.logging.SimpleFormatter
        java.util.logging.SimpleFormatter.format=%%1$tFT%%1$tT.%%1$tL %%4$s %%3$s %%5$s%%6$s%%n
        .level=INFO
        """.formatted(data.toString().replace("%", "%%"));
    }

    /** Waits until it answers on its socket; fails with the reason if it ends before that. */
    void awaitAnswer(Process process, DaemonClient daemon) {
        long end = context.clock().monoNanos() + START.toNanos();
        while (true) {
            try {
                daemon.get("/v1/host/status");
                return;
            } catch (DaemonUnreachableException | FailedException | ApiError e) {
                if (!process.isAlive()) {
                    throw new FailedException("the daemon ended while starting, with exit code " + process.exitValue()
                            + ":\n" + logTail());
                }
                if (context.clock().monoNanos() > end) {
                    throw new FailedException("the daemon has not answered within " + START.toSeconds() + " s ("
                            + e.getMessage() + "); it may still come up. Its log ends with:\n" + logTail());
                }
            }
            context.pause(Duration.ofMillis(20));
        }
    }

    String logTail() {
        List<String> lines = new ArrayList<>();
        for (String name : List.of("host.log.0", "host.out")) {
            try {
                List<String> file = Files.readAllLines(data.resolve(name));
                lines.addAll(file.subList(Math.max(0, file.size() - LOG_TAIL), file.size()));
            } catch (IOException e) {
                // not written yet
            }
        }
        return lines.isEmpty() ? "  (it has logged nothing)" : "  " + String.join("\n  ", lines);
    }

    /** Checks that the port is free by binding it for a moment; the daemon binds it a moment later. */
    static void requireFree(String what, String option, String address) {
        if (!(DaemonAddress.parse(address, Optional.empty()) instanceof DaemonAddress.Tcp listen)) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID, option + " " + address + " is no TCP address", "write HOST:PORT");
        }
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(InetAddress.getByName(listen.host()), listen.port()));
        } catch (IOException e) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "the " + what + " cannot listen on " + address + ": " + e.getMessage() + holder(listen.port()),
                    "stop the process that holds it, or choose another address with " + option);
        }
    }

    /** The process that holds the port, if that can be found out. */
    private static String holder(int port) {
        try {
            String listed =
                    Command.of("ss", "-Hltnp", "sport", "=", ":" + port).run().out();
            int at = listed.indexOf("users:((");
            return at < 0
                    ? ""
                    : "; "
                            + listed.substring(at + 8)
                                    .strip()
                                    .replaceAll("\\)\\).*", "")
                                    .replace("\"", "") + " has it";
        } catch (FailedException e) {
            return "";
        }
    }

    /** The daemon's process: from its own status, else from its pid file if that process is still a daemon. */
    Optional<ProcessHandle> running(Optional<Long> said) {
        return said.or(this::written)
                .flatMap(ProcessHandle::of)
                .filter(ProcessHandle::isAlive)
                .filter(this::isDaemon);
    }

    private Optional<Long> written() {
        try {
            return Optional.of(
                    Long.parseLong(Files.readString(data.resolve("host.pid")).strip()));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Whether the process is a daemon: its id may have been reused. */
    private boolean isDaemon(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"))
                    .contains("org.allod.host.HostMain");
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether systemd would restart it at once. */
    static boolean isUnit(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cgroup"))
                    .contains("allod.service");
        } catch (IOException e) {
            return false;
        }
    }

    /** Requests its end and waits for it. */
    static void stop(ProcessHandle process) {
        if (!process.destroy()) {
            throw RejectedException.because(
                    RejectedException.Reason.FORBIDDEN,
                    "this user may not stop the daemon (process " + process.pid() + ")",
                    "run it as root");
        }
        try {
            process.onExit().get(STOP.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new FailedException(
                    "the daemon (process " + process.pid() + ") has not ended within " + STOP.toSeconds()
                            + " s; its log says what it waits for. `kill -9` loses nothing that was acknowledged",
                    e);
        } catch (InterruptedException | ExecutionException e) {
            throw new FailedException("interrupted while waiting for the daemon to end", e);
        }
    }
}
