package org.allod.fsm;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;

/** The engine and the runs of {@link EnginePowerCutTest}, the same in the recorded process and in the one that resumes. */
final class EnginePowerCutWorkload implements AutoCloseable {
    static final List<String> STEPS = List.of("plan", "fetch", "make", "wire", "boot");
    /** Ended runs that are kept: few, so that forgetting them is among what is cut. */
    static final int KEPT = 60;

    /** Rows are folded often and the log is copied often, so that cuts meet both. */
    private static final int FOLD_EVERY = 40;

    private static final DatabaseOptions DATABASE = new DatabaseOptions(256, 32, 1, 48);
    private static final EngineOptions ENGINE =
            EngineOptions.defaults().backoff(new Backoff(Duration.ofMillis(1), Duration.ofMillis(5)));

    final Database database;
    final Engine engine;
    final RunType<String, String> type;
    private final SystemTimers timers = new SystemTimers();
    private final Consumer<String> told;

    /**
     * @param kept how many ended runs are kept
     * @param told hears {@code begin <run> <step>} when a step begins: then the end of the one before is durable
     */
    EnginePowerCutWorkload(Path file, int kept, Consumer<String> told, Consumer<Throwable> fatal) {
        this.told = told;
        this.type = type();
        database = Database.open(file, DATABASE, List.of(FsmSchema.schema()));
        SystemClock clock = new SystemClock();
        engine = new Engine(
                new SqliteStore(database, FOLD_EVERY),
                clock,
                timers,
                Rng.system(),
                new IdGenerator(clock, Rng.system()),
                body -> Thread.ofVirtual().start(body),
                ENGINE.history(kept, Duration.ofDays(1)),
                fatal);
        engine.register(type);
    }

    private RunType<String, String> type() {
        var builder = RunType.named("work").codec(Codec.text(), Codec.text());
        STEPS.forEach(name -> builder.step(name, this::step));
        return builder.finalizer("tidy", (c, outcome) -> told.accept("tidy " + c.runId()))
                .build();
    }

    /** Each answers with the names of all steps so far; a third of the subjects have one that fails at first. */
    private String step(StepContext<String, String> c) throws InterruptedException {
        told.accept("begin " + c.runId() + " " + c.step());
        if (c.step().equals("make") && c.subject().endsWith("fails") && c.attempt() == 1) {
            throw new IllegalStateException("the first attempt fails");
        }
        return c.response().map(r -> r + ",").orElse("") + c.step();
    }

    static Map<String, Integer> order() {
        Map<String, Integer> order = new java.util.HashMap<>();
        STEPS.forEach(s -> order.put(s, order.size()));
        return order;
    }

    @Override
    public void close() {
        engine.close();
        database.close();
        timers.close();
    }
}
