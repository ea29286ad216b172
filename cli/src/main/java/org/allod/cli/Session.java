package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.allod.base.Clock;
import org.allod.base.Failed;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;

/** One command being carried out: what was given, where to print, and which daemon to ask. */
final class Session {
    private final Given given;
    private final Screen screen;
    private final Map<String, String> env;
    private final Clock clock = new SystemClock();

    Session(Given given, Screen screen, Map<String, String> env) {
        this.given = given;
        this.screen = screen;
        this.env = env;
    }

    Given given() {
        return given;
    }

    Screen screen() {
        return screen;
    }

    Clock clock() {
        return clock;
    }

    boolean json() {
        return given.flag("--json");
    }

    Optional<String> env(String name) {
        return Optional.ofNullable(env.get(name)).filter(value -> !value.isEmpty());
    }

    /** Where the daemon keeps its data: as said, else as the environment says, else as the launcher knows. */
    Path data() {
        return Path.of(given.option("--data")
                        .or(() -> env("ALLOD_DATA"))
                        .orElseGet(() -> System.getProperty("allod.data", "/var/lib/allod")))
                .toAbsolutePath()
                .normalize();
    }

    /** The Unix socket, unless an address was named. {@code --data} on the line beats ALLOD_API around it. */
    Daemon daemon() {
        Optional<String> named = given.option("--api")
                .or(() -> given.option("--data").isPresent() ? Optional.empty() : env("ALLOD_API"));
        return new Daemon(named.isPresent() ? Address.parse(named.orElseThrow(), token()) : new Address.Unix(socket()));
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

    /** Waits, between two looks at something that cannot be waited for. */
    void pause(Duration time) {
        CountDownLatch over = new CountDownLatch(1);
        try (SystemTimers timers = new SystemTimers()) {
            timers.after(time, over::countDown);
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failed("interrupted while waiting", e);
        }
    }

    /** Prints a value as JSON, on one line. */
    void print(Json value) {
        screen.line(value.write());
    }
}
