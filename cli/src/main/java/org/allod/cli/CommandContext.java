package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;

/** The execution of one command: its arguments, where to print, and which daemon to call. */
final class CommandContext {
    private final ParsedArgs args;
    private final Console console;
    private final Map<String, String> env;
    private final Clock clock = new SystemClock();

    CommandContext(ParsedArgs args, Console console, Map<String, String> env) {
        this.args = args;
        this.console = console;
        this.env = env;
    }

    ParsedArgs given() {
        return args;
    }

    Console console() {
        return console;
    }

    Clock clock() {
        return clock;
    }

    boolean json() {
        return args.flag("--json");
    }

    Optional<String> env(String name) {
        return Optional.ofNullable(env.get(name)).filter(value -> !value.isEmpty());
    }

    /** The daemon's data folder: from the option, else from the environment, else from the launcher. */
    Path data() {
        return Path.of(args.option("--data")
                        .or(() -> env("ALLOD_DATA"))
                        .orElseGet(() -> System.getProperty("allod.data", "/var/lib/allod")))
                .toAbsolutePath()
                .normalize();
    }

    /**
     * A client over the Unix socket, unless an address was given. {@code --data} on the command line overrides
     * ALLOD_API in the environment.
     */
    DaemonClient daemon() {
        Optional<String> named =
                args.option("--api").or(() -> args.option("--data").isPresent() ? Optional.empty() : env("ALLOD_API"));
        return new DaemonClient(
                named.isPresent()
                        ? DaemonAddress.parse(named.orElseThrow(), token())
                        : new DaemonAddress.Unix(socket()));
    }

    Path socket() {
        return data().resolve("allod.sock");
    }

    private Optional<String> token() {
        return env("ALLOD_TOKEN").or(() -> {
            Path file = data().resolve("operator.token");
            try {
                return Files.isReadable(file)
                        ? Optional.of(Files.readString(file).strip())
                        : Optional.empty();
            } catch (IOException e) {
                return Optional.empty();
            }
        });
    }

    /** Sleeps between two polls of something that cannot be waited for. */
    void pause(Duration time) {
        CountDownLatch over = new CountDownLatch(1);
        try (SystemTimers timers = new SystemTimers()) {
            timers.after(time, over::countDown);
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while waiting", e);
        }
    }

    /** Prints a value as JSON, on one line. */
    void print(Json value) {
        console.line(value.write());
    }
}
