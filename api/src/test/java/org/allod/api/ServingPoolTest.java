package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.allod.base.LoopFailures;
import org.junit.jupiter.api.Test;

/** What all connections of a listener rely on. */
class ServingPoolTest {
    @Test
    void sweep_thatFails_isReportedAndFollowedByTheNext() throws Exception {
        AtomicBoolean failed = new AtomicBoolean();
        CountDownLatch next = new CountDownLatch(1);
        Clock clock = new Clock() {
            @Override
            public Instant wall() {
                return Instant.EPOCH;
            }

            @Override
            public long monoNanos() {
                if (failed.compareAndSet(false, true)) {
                    throw new Bug("planted");
                }
                next.countDown();
                return 0;
            }
        };
        ApiConfig config = ApiConfig.usual();
        try (ServingPool _ = new ServingPool("test", config.tcp(), config.times(), clock, 1, Thread.ofVirtual())) {
            assertThat(next.await(20, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(LoopFailures.ofProcess().all()).containsKey("api-deadlines");
    }
}
