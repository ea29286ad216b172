package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.Test;

class StoppedMachineReleaserTest {
    private static final Duration LOOK = Duration.ofMinutes(1);

    private final VirtualTime time = new VirtualTime(Instant.EPOCH);
    private final StoppedMachineReleaser releaser = new StoppedMachineReleaser(time, time);
    private final List<MachineId> released = Collections.synchronizedList(new ArrayList<>());

    private static MachineId machine(int n) {
        return MachineId.of(n);
    }

    private void stop(int n) {
        releaser.stopped(machine(n), released::add);
    }

    @Test
    void machine_stoppedForLong_isReleasedOnce() {
        stop(1);
        time.advance(StoppedMachineReleaser.AFTER.minusSeconds(1));
        assertThat(released).isEmpty();
        time.advance(LOOK);
        assertThat(released).containsExactly(machine(1));
        time.advance(Duration.ofDays(1));
        assertThat(released).hasSize(1);
    }

    @Test
    void machine_startedAgain_isKept_andStoppedAgain_countsFromThen() {
        stop(1);
        stop(2);
        time.advance(Duration.ofMinutes(9));
        releaser.taken(machine(1));
        stop(2);
        time.advance(Duration.ofMinutes(9));
        assertThat(released).isEmpty();
        time.advance(Duration.ofMinutes(2));
        assertThat(released).containsExactly(machine(2));
    }

    @Test
    void manyThatStopAtOnce_areReleasedAtOnce_theLongestStoppedFirst() {
        int more = 40;
        for (int i = 0; i < StoppedMachineReleaser.HELD + more; i++) {
            stop(i);
        }
        Poll.until(Duration.ofSeconds(10), Duration.ofMillis(2), "their release", () -> released.size() >= more);
        assertThat(released).hasSize(more);
        assertThat(released).allMatch(m -> m.bits() < more);
    }

    @Test
    void machine_inUse_isPassedOver_untilItIsNot() {
        stop(1);
        Lock using = releaser.using(machine(1));
        using.lock();
        time.advance(Duration.ofHours(1));
        assertThat(released).isEmpty();
        using.unlock();
        time.advance(LOOK);
        assertThat(released).containsExactly(machine(1));
    }

    @Test
    void release_thatFails_endsNoOther() {
        releaser.stopped(machine(1), m -> {
            throw new IllegalStateException("of the test");
        });
        stop(2);
        time.advance(StoppedMachineReleaser.AFTER.plus(LOOK));
        stop(3);
        time.advance(StoppedMachineReleaser.AFTER.plus(LOOK));
        assertThat(released).containsExactly(machine(2), machine(3));
    }

    @Test
    void release_thatFails_isTriedAgain() {
        AtomicInteger tries = new AtomicInteger();
        releaser.stopped(machine(1), m -> {
            if (tries.incrementAndGet() < 3) {
                throw new IllegalStateException("of the test");
            }
            released.add(m);
        });
        for (int i = 1; i <= 3; i++) {
            assertThat(released).isEmpty();
            time.advance(StoppedMachineReleaser.AFTER.plus(LOOK));
            assertThat(tries).hasValue(i);
        }
        assertThat(released).containsExactly(machine(1));
        time.advance(Duration.ofDays(1));
        assertThat(tries).hasValue(3);
    }
}
