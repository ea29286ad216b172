package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.FailedException;
import org.allod.base.Poll;
import org.allod.base.RejectedException;
import org.allod.fsm.Outcome;
import org.allod.fsm.RunId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A destroy by force, of machines that something of cannot be taken away. */
class ForcedDestroyTest {
    private static final Actor.Client ME = new Actor.Client("me", Optional.empty());
    private static final Duration BOUND = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private TestMachineModule room;
    private Machine machine;

    @BeforeEach
    void create() throws InterruptedException {
        room = new TestMachineModule(folder);
        machine = room.create(false, Optional.empty());
    }

    @AfterEach
    void close() {
        room.close();
    }

    /** A start that fails, and whose finalizer then fails again and again. */
    private RunId stuck() throws InterruptedException {
        room.runtime.beforeBoot = () -> {
            throw RejectedException.invalid("this one does not boot");
        };
        room.runtime.afterRemove = () -> {
            throw new FailedException("cannot delete the folder of a test");
        };
        room.machines.start(machine, ME);
        RunId[] run = new RunId[1];
        Poll.until(BOUND, Duration.ofMillis(5), "a finalizer that failed several times", () -> {
            return room.engine.list(org.allod.fsm.RunFilter.all(), Optional.empty(), 10).stream()
                    .filter(r -> r.subject().equals(machine.id().text())
                            && r.phase().equals("final-pausing")
                            && r.attempt() >= 2)
                    .peek(r -> run[0] = r.id())
                    .findAny()
                    .isPresent();
        });
        return run[0];
    }

    private String left() {
        return room.machines.events(machine.id(), 10).stream()
                .filter(e -> e.type().equals("destroy"))
                .map(e -> e.request().path("reason").asString(""))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void finalizerThatAlwaysFails_isPassed_andWhatIsLeftIsSaid() throws Exception {
        RunId start = stuck();
        RunId destroy = room.machines.destroy(machine, true, ME);
        assertThat(room.engine.await(destroy, BOUND).outcome()).isInstanceOf(Outcome.Completed.class);
        assertThat(room.engine.get(start).orElseThrow().active()).isFalse();
        assertThat(room.machines.find(machine.id())).isEmpty();
        assertThat(left()).contains("left on the host").contains("cannot delete the folder of a test");
    }

    @Test
    void destroyOfAnEarlierDaemon_passesItToo() throws Exception {
        stuck();
        // It stops before the destroy that waits has its turn: the guest cannot be ended either.
        room.runtime.afterHalt = () -> {
            throw new FailedException("it does not end");
        };
        RunId destroy = room.machines.destroy(machine, true, ME);
        room.close();
        FakeRuntime left = room.runtime;
        left.afterHalt = () -> {};
        room = new TestMachineModule(folder, VolumeKeyStore.NONE, left);
        assertThat(room.engine.await(destroy, BOUND).outcome()).isInstanceOf(Outcome.Completed.class);
        assertThat(left()).contains("cannot delete the folder of a test");
        assertThat(left.present()).containsExactly(machine.id());
        // The next start has better luck.
        room.close();
        left.afterRemove = () -> {};
        room = new TestMachineModule(folder, VolumeKeyStore.NONE, left);
        assertThat(left.present()).isEmpty();
    }

    @Test
    void guestThatDoesNotEnd_isNotLeftBehind() throws Exception {
        AtomicBoolean ends = new AtomicBoolean();
        AtomicInteger tries = new AtomicInteger();
        room.runtime.afterHalt = () -> {
            tries.incrementAndGet();
            if (!ends.get()) {
                throw new FailedException("it does not end");
            }
        };
        RunId destroy = room.machines.destroy(machine, true, ME);
        Poll.until(BOUND, Duration.ofMillis(5), "tries", () -> tries.get() > 4);
        assertThat(room.machines.find(machine.id()).orElseThrow().state()).isEqualTo(MachineState.DESTROYING);
        ends.set(true);
        assertThat(room.engine.await(destroy, BOUND).outcome()).isInstanceOf(Outcome.Completed.class);
        assertThat(left()).isEmpty();
        assertThat(room.runtime.present()).isEmpty();
    }

    @Test
    void destroyWithoutForce_leavesNothing() throws Exception {
        AtomicInteger tries = new AtomicInteger();
        room.runtime.afterRemove = () -> {
            if (tries.incrementAndGet() < 5) {
                throw new FailedException("not yet");
            }
        };
        RunId destroy = room.machines.destroy(machine, false, ME);
        assertThat(room.engine.await(destroy, BOUND).outcome()).isInstanceOf(Outcome.Completed.class);
        assertThat(left()).isEmpty();
        assertThat(room.runtime.present()).isEqualTo(Set.of());
    }
}
