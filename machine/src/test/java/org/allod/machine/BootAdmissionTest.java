package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class BootAdmissionTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Actor EDGE = new Actor.Host("edge");
    private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));

    private static MachineId id(int i) {
        return MachineId.of(i);
    }

    private static void until(java.util.function.BooleanSupplier condition) {
        assertThat(Poll.within(SOON, Duration.ofMillis(2), condition)).isTrue();
    }

    @Test
    void bound_isAHalfMoreThanTheProcessorsAndNeverOne() {
        assertThat(BootAdmission.bound(1)).isEqualTo(2);
        assertThat(BootAdmission.bound(2)).isEqualTo(3);
        assertThat(BootAdmission.bound(64)).isEqualTo(96);
    }

    @Test
    void admit_aBootThatHangs_stopsCountingAfterItsTimeAndOnlyOnce() throws Exception {
        BootAdmission admission = new BootAdmission(1, time);
        BootAdmission.Slot hanging = admission.admit(id(1), BootPriority.REQUEST);
        assertThat(admission.stats().running()).isEqualTo(1);
        time.advance(BootAdmission.COUNTED);
        assertThat(admission.stats().running()).isZero();
        hanging.close();
        hanging.close();
        assertThat(admission.stats().running()).isZero();
    }

    @Test
    void admit_interrupted_leavesTheQueue() throws Exception {
        BootAdmission admission = new BootAdmission(1, time);
        BootAdmission.Slot first = admission.admit(id(1), BootPriority.REQUEST);
        CountDownLatch interrupted = new CountDownLatch(1);
        Thread second = Thread.ofVirtual().start(() -> {
            try (var _ = admission.admit(id(2), BootPriority.REQUEST)) {
                throw new AssertionError("admitted");
            } catch (InterruptedException e) {
                interrupted.countDown();
            } catch (BootAdmission.Withdrawn e) {
                throw new AssertionError(e);
            }
        });
        until(() -> admission.stats().waiting().get(BootPriority.REQUEST) == 1);
        second.interrupt();
        assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(admission.stats().waiting().get(BootPriority.REQUEST)).isZero();
        first.close();
        assertThat(admission.stats().running()).isZero();
    }

    @Test
    void await_ofABootThatAScheduleAskedFor_putsItBeforeTheOthers() throws Exception {
        BootAdmission admission = new BootAdmission(1, time);
        BootAdmission.Slot first = admission.admit(id(0), BootPriority.REQUEST);
        List<Integer> order = new CopyOnWriteArrayList<>();
        CountDownLatch done = new CountDownLatch(3);
        for (int i = 1; i <= 3; i++) {
            int number = i;
            Thread.ofVirtual().start(() -> {
                try (var _ = admission.admit(id(number), BootPriority.SCHEDULE)) {
                    order.add(number);
                    done.countDown();
                } catch (InterruptedException | BootAdmission.Withdrawn e) {
                    throw new AssertionError(e);
                }
            });
            until(() -> admission.stats().waiting().get(BootPriority.SCHEDULE) == number);
        }
        try (var _ = admission.await(id(3))) {
            first.close();
            assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(order).containsExactly(3, 1, 2);
    }

    /** The machine that waits for its turn keeps its saved memory when the request that asked for it is gone. */
    @Test
    void withdrawStart_beforeItsTurn_leavesTheMachineAsItWas(@TempDir Path folder) throws Exception {
        try (TestMachineModule room = new TestMachineModule(folder, VolumeKeyStore.NONE, 1)) {
            Machine asleep = room.create(true, Optional.empty());
            room.machines.suspend(asleep, EDGE);
            room.machines.await(asleep, EnumSet.of(MachineState.SUSPENDED), Optional.empty(), SOON);
            CountDownLatch gate = new CountDownLatch(1);
            room.runtime.beforeBoot = () -> {
                try {
                    gate.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            };
            for (int i = 0; i < 2; i++) {
                Machine m = room.create(false, Optional.empty());
                room.machines.start(m, EDGE);
            }
            until(() -> room.machines.boots().running() == 2);
            room.machines.start(asleep, EDGE);
            until(() -> room.machines.boots().waiting().get(BootPriority.REQUEST) == 1);
            assertThat(room.machines.withdrawStart(asleep.id())).isTrue();
            Machine after = room.settled(asleep);
            assertThat(after.state()).isEqualTo(MachineState.SUSPENDED);
            assertThat(room.runtime.saved).contains(asleep.id());
            gate.countDown();
            room.machines.start(asleep, EDGE);
            room.machines.await(asleep, EnumSet.of(MachineState.STARTED), Optional.empty(), SOON);
            assertThat(room.machines.withdrawStart(asleep.id())).isFalse();
        }
    }
}
