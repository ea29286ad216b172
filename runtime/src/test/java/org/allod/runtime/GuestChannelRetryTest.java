package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.Bug;
import org.allod.base.LoopFailures;
import org.allod.base.MachineId;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The chain of tries for a link to a guest, which nobody else goes on with. */
class GuestChannelRetryTest {
    @TempDir
    Path folder;

    @Test
    void reconnect_thatMeetsADefect_isTriedAgain() {
        VirtualTime time = new VirtualTime(Instant.EPOCH);
        AtomicInteger dials = new AtomicInteger();
        try (ConsoleLog log = new ConsoleLog(folder.resolve("console.log"), 1 << 20, time);
                GuestChannel channel = new GuestChannel(
                        MachineId.of(0x77),
                        bound -> {
                            if (dials.incrementAndGet() % 2 == 0) {
                                throw new StackOverflowError("planted");
                            }
                            throw new Bug("planted");
                        },
                        log,
                        folder,
                        time,
                        time)) {
            channel.adopt(Duration.ofSeconds(1));
            time.advance(Duration.ofMinutes(1));
            assertThat(dials.get()).isGreaterThan(8);
            assertThat(LoopFailures.ofProcess().all()).containsKey("guest-reconnect");
        }
    }
}
