package org.allod.machine;

import static org.allod.machine.MachineState.CREATED;
import static org.allod.machine.MachineState.STARTED;
import static org.allod.machine.MachineState.STARTING;
import static org.allod.machine.MachineState.STOPPED;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.Poll;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.fsm.RunFilter;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** States that pass: told while their run is at work, never written, and told again by a daemon that resumes the run. */
class TransientStateTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    @TempDir
    private Path folder;

    private final SystemClock clock = new SystemClock();
    private final SystemTimers timers = new SystemTimers();
    private final FakeRuntime runtime = new FakeRuntime();
    private final CountDownLatch gate = new CountDownLatch(1);
    private Database database;
    private Engine engine;
    private Machines machines;
    private MachineTable table;
    private Machine machine;

    @BeforeEach
    void aMachineThatNeverRan() throws Exception {
        startDaemon();
        machines.createApp("app", Optional.empty());
        Optional<String> none = Optional.empty();
        machine = machines.create(
                "app",
                new MachineCreator.Request(
                        Optional.of("one"),
                        none,
                        none,
                        false,
                        false,
                        Optional.empty(),
                        TestHost.config("{\"image\":\"web\"}")));
        machines.await(machine, EnumSet.of(CREATED), none, SOON);
        runtime.beforeBoot = this::waitAtTheGate;
    }

    @AfterEach
    void end() {
        gate.countDown();
        stopDaemon();
        timers.close();
    }

    private void waitAtTheGate() {
        try {
            assertThat(gate.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new FailedException("interrupted: the daemon ends", e);
        }
    }

    private void startDaemon() {
        database = Database.open(
                folder.resolve("host.db"),
                DatabaseOptions.defaults(),
                List.of(FsmSchema.schema(), MachineSchema.SCHEMA, VolumeSchema.SCHEMA));
        table = new MachineTable(database);
        IdGenerator ids = new IdGenerator(clock, Rng.system());
        engine = Engine.on(database, clock, timers, Rng.seeded(1), ids, EngineOptions.defaults(), why -> {});
        MachineModule room = MachineModule.build(
                new MachineModule.Ground(database, engine, clock, timers, ids),
                new FakeImages(),
                Map.of("gvisor", runtime),
                TrafficDrain.NONE,
                new Capacity(4096, 2, 10),
                new MachineCreator.Settings("local", "gvisor", Set.of("gvisor"), 7),
                new MachineModule.Storage(folder, VolumeKeyStore.NONE));
        room.recover();
        machines = room.machines();
    }

    /** Without a record of it, as a kill would end it. */
    private void stopDaemon() {
        engine.shutdown(Duration.ofSeconds(5));
        database.close();
    }

    private MachineState told() {
        return machines.find(machine.id()).orElseThrow().state();
    }

    private MachineState written() {
        return table.find(machine.id()).orElseThrow().state();
    }

    @Test
    void start_atWork_isToldAndNotWritten() throws Exception {
        machines.start(machine, Actor.client("tester"));
        assertThat(told()).isEqualTo(STARTING);
        assertThat(written()).isEqualTo(CREATED);
        gate.countDown();
        machines.await(machine, EnumSet.of(STARTED), Optional.empty(), SOON);
        assertThat(written()).isEqualTo(STARTED);
    }

    @Test
    void start_daemonDiesAtWork_isStartingAgainBeforeAnythingElseIsSeen() throws Exception {
        machines.start(machine, Actor.client("tester"));
        stopDaemon();
        assertThat(runtime.running).isEmpty();
        startDaemon();
        assertThat(told()).isEqualTo(STARTING);
        gate.countDown();
        machines.await(machine, EnumSet.of(STARTED), Optional.empty(), SOON);
        assertThat(written()).isEqualTo(STARTED);
    }

    @Test
    void guest_upBeforeItsStartIsWritten_canBeUsed() throws Exception {
        machines.start(machine, Actor.client("tester"));
        Machine starting = machines.find(machine.id()).orElseThrow();
        gate.countDown();
        Machine up = machines.awaitSettled(starting, SOON);
        assertThat(machines.guest(up).machine()).isEqualTo(machine.id());
        // Not refused as "starting": the run has only its end left to write.
        machines.stop(up, Optional.empty(), Optional.of(Duration.ZERO), Actor.client("tester"));
        machines.await(machine, EnumSet.of(MachineState.STOPPED), Optional.empty(), SOON);
    }

    @Test
    void start_thatMeetsADefect_isTriedOnce_saysSo_andLeavesAStateThatLasts() throws Exception {
        AtomicInteger tries = new AtomicInteger();
        runtime.beforeBoot = () -> {
            tries.incrementAndGet();
            throw new NoClassDefFoundError("org/allod/Gone");
        };
        machines.start(machine, Actor.client("tester"));
        Poll.until(
                SOON,
                Duration.ofMillis(5),
                "the end of the start",
                () -> engine.list(RunFilter.active(), Optional.empty(), 1).isEmpty());
        assertThat(engine.list(RunFilter.all(), Optional.empty(), 1)
                        .getFirst()
                        .outcome()
                        .orElseThrow()
                        .detail())
                .contains("NoClassDefFoundError: org/allod/Gone");
        assertThat(tries).hasValue(1);
        assertThat(told().kind()).isNotEqualTo(MachineState.Kind.TRANSIENT);
        assertThat(written()).isEqualTo(told());
    }

    @Test
    void guest_thatEndsWhileItsStartIsWritten_isSeenToHaveEnded() throws Exception {
        gate.countDown();
        runtime.brief = true;
        for (int i = 0; i < 50; i++) { // a race: each time the two may meet otherwise
            machines.start(machine, Actor.client("tester"));
            machine = machines.await(machine, EnumSet.of(STOPPED), Optional.empty(), SOON);
            assertThat(machine.state()).isEqualTo(STOPPED);
            machine = machines.await(machine, Set.of(), Optional.empty(), SOON);
        }
    }
}
