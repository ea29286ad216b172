package org.allod.bench;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.fsm.Codec;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.fsm.RunType;
import org.allod.fsm.Step;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;

/** An engine configured as the daemon's, on a database in a folder. */
final class EngineFixture implements AutoCloseable {
    final Database database;
    final SystemTimers timers = new SystemTimers();
    final Engine engine;

    EngineFixture(Path dir, EngineOptions options, List<RunType<byte[], byte[]>> types) {
        database = Database.open(dir.resolve("host.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()));
        SystemClock clock = new SystemClock();
        engine = Engine.on(
                database,
                clock,
                timers,
                Rng.system(),
                new IdGenerator(clock, Rng.system()),
                options,
                EngineFixture::fatal);
        types.forEach(engine::register);
    }

    private static void fatal(Throwable why) {
        System.err.println("the engine stopped: " + why);
        Runtime.getRuntime().halt(1);
    }

    /** A run type of {@code steps} equal steps. */
    static RunType<byte[], byte[]> type(int steps, Step<byte[], byte[]> step) {
        var builder = RunType.named("bench").codec(Codec.bytes(), Codec.bytes());
        for (int i = 0; i < steps; i++) {
            builder.step("step" + i, step);
        }
        return builder.build();
    }

    /** Bytes that do not compress or repeat within a page. */
    static byte[] payload(int size) {
        byte[] bytes = new byte[size];
        Rng.seeded(size).nextBytes(bytes);
        return Arrays.copyOf(bytes, size);
    }

    @Override
    public void close() {
        engine.close();
        database.close();
        timers.close();
    }
}
