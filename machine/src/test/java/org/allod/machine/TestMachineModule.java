package org.allod.machine;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;

/** The whole room on a real database and a real engine, with the model runtime below it. */
final class TestMachineModule implements AutoCloseable {
    final Database database;
    private final SystemTimers timers = new SystemTimers();
    final Engine engine;
    final Machines machines;
    final Volumes volumes;
    final DiskPressureMonitor disk;
    final FakeRuntime runtime;

    TestMachineModule(Path folder) {
        this(folder, VolumeKeyStore.NONE);
    }

    TestMachineModule(Path folder, VolumeKeyStore keys) {
        this(folder, keys, new FakeRuntime());
    }

    /** @param runtime what outlives the daemon */
    TestMachineModule(Path folder, VolumeKeyStore keys, FakeRuntime runtime) {
        this(folder, keys, runtime, 8, options -> options, new SystemClock());
    }

    TestMachineModule(Path folder, VolumeKeyStore keys, int processors) {
        this(folder, keys, processors, options -> options);
    }

    TestMachineModule(Path folder, VolumeKeyStore keys, int processors, UnaryOperator<EngineOptions> bounds) {
        this(folder, keys, processors, bounds, new SystemClock());
    }

    TestMachineModule(
            Path folder, VolumeKeyStore keys, int processors, UnaryOperator<EngineOptions> bounds, Clock clock) {
        this(folder, keys, new FakeRuntime(), processors, bounds, clock);
    }

    private TestMachineModule(
            Path folder,
            VolumeKeyStore keys,
            FakeRuntime runtime,
            int processors,
            UnaryOperator<EngineOptions> bounds,
            Clock clock) {
        this.runtime = runtime;
        Rng rng = Rng.seeded(5);
        IdGenerator ids = new IdGenerator(clock, rng.fork("ids"));
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
                bounds.apply(EngineOptions.defaults().queue(MachineModule.INSISTED, 4)),
                e -> {
                    throw new AssertionError(e);
                });
        MachineModule room = MachineModule.build(
                new MachineModule.Ground(database, engine, clock, timers, ids),
                new FakeImages(),
                Map.of("gvisor", runtime),
                TrafficDrain.NONE,
                new Capacity(4_096, processors, 100),
                new MachineCreator.Settings("local", "gvisor", Set.of("gvisor"), 7),
                new MachineModule.Storage(folder, keys));
        room.recover();
        machines = room.machines();
        volumes = room.volumes();
        disk = room.disk();
        if (machines.apps().isEmpty()) {
            machines.createApp("app", Optional.empty());
        }
    }

    Machine create(boolean launch, Optional<Leases.LeaseRequest> lease) throws InterruptedException {
        Machine m = machines.create(
                "app",
                new MachineCreator.Request(
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
