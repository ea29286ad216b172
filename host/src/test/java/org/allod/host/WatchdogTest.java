package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.allod.base.FailedException;
import org.allod.base.VirtualTime;
import org.allod.store.DurabilityLost;
import org.junit.jupiter.api.Test;

/** When the service manager is told that the daemon lives. */
class WatchdogTest {
    private final VirtualTime time = new VirtualTime(Instant.EPOCH);
    private final AtomicReference<Runnable> write = new AtomicReference<>(() -> {});
    private final AtomicInteger alive = new AtomicInteger();
    private final Watchdog watchdog =
            new Watchdog(() -> write.get().run(), alive::incrementAndGet, time, Duration.ofSeconds(30));

    private int toldWithin(Duration duration) {
        int before = alive.get();
        time.advance(duration);
        return alive.get() - before;
    }

    @Test
    void fullDisk_isAnAnswer_soTheDaemonLives() {
        watchdog.start();
        assertThat(toldWithin(Duration.ofMinutes(1))).isEqualTo(6);
        write.set(() -> {
            throw new FailedException("writing to host.db: the disk is full");
        });
        assertThat(toldWithin(Duration.ofMinutes(1))).isEqualTo(6);
        write.set(() -> {});
        assertThat(toldWithin(Duration.ofMinutes(1))).isEqualTo(6);
    }

    @Test
    void lostDurability_isNoLife_andTheChainGoesOnAllTheSame() {
        watchdog.start();
        write.set(() -> {
            throw new DurabilityLost("planted", new IllegalStateException());
        });
        assertThat(toldWithin(Duration.ofMinutes(1))).isZero();
        write.set(() -> {});
        assertThat(toldWithin(Duration.ofMinutes(1))).isPositive();
    }
}
