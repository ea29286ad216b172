package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With the real PID 1, and without any. */
class GuestConfigurerTest {
    private static final MachineId MACHINE = MachineId.of(0x1235);
    private static final Duration BOUND = Duration.ofMinutes(5);

    @TempDir
    Path folder;

    private final SystemClock clock = new SystemClock();
    private final SystemTimers timers = new SystemTimers();
    private UnixSocketAcceptor dialer;
    private GuestChannel channel;

    @BeforeEach
    void listen() throws Exception {
        dialer = new UnixSocketAcceptor(folder.resolve("guest.sock"));
        ConsoleLog log = new ConsoleLog(folder.resolve("console.log"), 1 << 20, clock);
        channel = new GuestChannel(MACHINE, dialer, log, folder, clock, timers);
    }

    @AfterEach
    void stop() throws Exception {
        channel.close();
        dialer.close();
        timers.close();
    }

    private GuestConfigurer telling() {
        GuestSetup setup = new GuestSetup(
                List.of("sh", "-c", "touch " + folder.resolve("ran") + "; sleep 60"),
                Map.of("PATH", "/usr/bin:/bin"),
                "/",
                Optional.empty(),
                false,
                "allod-test",
                List.of(),
                List.of(),
                List.of(),
                List.of());
        return new GuestConfigurer(MACHINE, channel, setup, BOUND);
    }

    @Test
    void guestThatCalls_isTold_andItsEndAfterwardsChangesNothing() throws Exception {
        GuestConfigurer configurer = telling();
        Process guest = GuestBinary.start(folder.resolve("guest.sock"), folder.resolve("guest.out"));
        try {
            configurer.await();
            Poll.until(
                    Duration.ofSeconds(10),
                    Duration.ofMillis(5),
                    "its program's start",
                    () -> Files.exists(folder.resolve("ran")));
        } finally {
            guest.destroyForcibly().waitFor();
        }
        configurer.giveUp();
        configurer.configured();
        configurer.await();
    }

    /** The bound is minutes: it returns because nobody will call, and so does the test. */
    @Test
    void guestThatNeverWas_isNotWaitedFor() {
        GuestConfigurer configurer = telling();
        configurer.giveUp();
        configurer.configured();
        assertThatThrownBy(configurer::await)
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("the guest of machine " + MACHINE + " ended before it could be told");
        assertThat(folder.resolve("ran")).doesNotExist();
    }
}
