package org.allod.machine;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.base.Timers;
import org.allod.soak.Scratch;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import tools.jackson.databind.json.JsonMapper;

/** The parts of this room on a real database and the model runtime, rebuilt at will as a restarted daemon would. */
final class TestHost implements AutoCloseable {
    static final MachineId ID = MachineId.of(0xabcdef);

    final FakeRuntime runtime = new FakeRuntime();
    final FakeImages images = new FakeImages();
    final Database database;
    final Clock clock;
    final Timers timers;
    final IdGenerator ids;

    MachineIndex index;
    MachineTable table;
    MachineRecords records;
    GuestRegistry guests;
    GuestSpecFactory specs;
    LifecycleRunTypes lifecycle;

    TestHost(Clock clock, Timers timers) {
        Path folder = Scratch.folder("allod-machine");
        database = Database.open(folder.resolve("host.db"), DatabaseOptions.defaults(), List.of(MachineSchema.SCHEMA));
        this.clock = clock;
        this.timers = timers;
        this.ids = new IdGenerator(clock, Rng.seeded(3));
        restart();
    }

    /** What is in memory is lost; records and guests stay. */
    void restart() {
        index = new MachineIndex();
        table = new MachineTable(database);
        table.living().forEach(index::put);
        records = new MachineRecords(table, index, clock, ids);
        specs = new GuestSpecFactory(images, Map.of("gvisor", runtime), SecretSource.NONE, 7, VolumeResolver.NONE);
        guests = new GuestRegistry(specs);
        GuestOperations steps = new GuestOperations(
                records, index, specs, guests, TrafficDrain.NONE, new BootAdmission(2, timers), clock);
        lifecycle = new LifecycleRunTypes(records, index, steps, specs, id -> {}, time -> {}, clock);
    }

    static MachineConfig config(String json) {
        return ConfigReader.read(StrictJsonReader.of(new JsonMapper().readTree(json), "config"));
    }

    /** Puts a machine on record, and on the host as its state says. */
    Machine machine(MachineState state, String config) {
        Machine m = new Machine(
                ID,
                "app",
                1,
                "one",
                "local",
                "gvisor",
                ids.ulid(),
                config(config),
                state == MachineState.CREATING
                        ? Optional.empty()
                        : Optional.of(new Machine.ImageRef("local", "web", "latest", FakeImages.DIGEST)),
                state,
                false,
                0,
                Optional.empty(),
                clock.wall(),
                clock.wall(),
                "fd00::1");
        records.save(m);
        if (state != MachineState.CREATING) {
            runtime.prepare(specs.spec(m));
        }
        if (state == MachineState.STARTED || state == MachineState.SUSPENDED) {
            runtime.boot(specs.spec(m));
        }
        if (state == MachineState.SUSPENDED) {
            runtime.suspend(specs.spec(m));
        }
        return m;
    }

    Machine now() {
        return table.find(ID).orElseThrow();
    }

    @Override
    public void close() {
        database.close();
    }
}
