package org.allod.machine;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.allod.base.Clock;
import org.allod.base.Ids;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;

/** The whole room on a real database and a real engine, with the model runtime below it. */
final class TestRoom implements AutoCloseable {
    private final Database database;
    private final SystemTimers timers = new SystemTimers();
    final Engine engine;
    final Machines machines;
    final Volumes volumes;
    final DiskKeeper disk;
    final FakeRuntime runtime;

    TestRoom(Path folder) {
        this(folder, KeySource.NONE);
    }

    TestRoom(Path folder, KeySource keys) {
        this(folder, keys, new FakeRuntime());
    }

    /** @param runtime what outlives the daemon */
    TestRoom(Path folder, KeySource keys, FakeRuntime runtime) {
        this(folder, keys, runtime, 8, options -> options, new SystemClock());
    }

    TestRoom(Path folder, KeySource keys, int processors) {
        this(folder, keys, processors, options -> options);
    }

    TestRoom(Path folder, KeySource keys, int processors, UnaryOperator<EngineOptions> bounds) {
        this(folder, keys, processors, bounds, new SystemClock());
    }

    TestRoom(Path folder, KeySource keys, int processors, UnaryOperator<EngineOptions> bounds, Clock clock) {
        this(folder, keys, new FakeRuntime(), processors, bounds, clock);
    }

    private TestRoom(
            Path folder,
            KeySource keys,
            FakeRuntime runtime,
            int processors,
            UnaryOperator<EngineOptions> bounds,
            Clock clock) {
        this.runtime = runtime;
        Rng rng = Rng.seeded(5);
        Ids ids = new Ids(clock, rng.fork("ids"));
        database = Database.open(
                folder.resolve("host.db"),
                DatabaseOptions.defaults(),
                List.of(FsmSchema.schema(), MachineSchema.SCHEMA, VolumeSchema.SCHEMA));
        engine = Engine.on(
                database,
                clock,
                timers,
                rng.fork("runs"),
                ids,
                bounds.apply(EngineOptions.defaults().queue(MachineRoom.INSISTED, 4)),
                e -> {
                    throw new AssertionError(e);
                });
        MachineRoom room = MachineRoom.build(
                new MachineRoom.Ground(database, engine, clock, timers, ids),
                new FakeImages(),
                Map.of("gvisor", runtime),
                Traffic.NONE,
                new Capacity(4_096, processors, 100),
                new Creation.Settings("local", "gvisor", Set.of("gvisor"), 7),
                new MachineRoom.Storage(folder, keys));
        room.recover();
        machines = room.machines();
        volumes = room.volumes();
        disk = room.disk();
        if (machines.apps().isEmpty()) {
            machines.createApp("app", Optional.empty());
        }
    }

    Machine create(boolean launch, Optional<Leases.Ask> lease) throws InterruptedException {
        Machine m = machines.create(
                "app",
                new Creation.Request(
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        launch,
                        false,
                        lease,
                        TestHost.config("{\"image\":\"web\"}")));
        return machines.await(
                m,
                Set.of(launch ? MachineState.STARTED : MachineState.CREATED),
                Optional.empty(),
                java.time.Duration.ofSeconds(10));
    }

    /** The machine once nothing is at work on it. */
    Machine settled(Machine m) throws InterruptedException {
        return machines.await(m, Set.of(), Optional.empty(), java.time.Duration.ofSeconds(10));
    }

    @Override
    public void close() {
        engine.shutdown(java.time.Duration.ofSeconds(2));
        timers.close();
        database.close();
    }
}
