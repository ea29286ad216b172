package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is no exception but an {@link Error}: a defect of the program, which no number of tries mends. */
class ThrownErrorTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private final SystemTimers timers = new SystemTimers();
    private final CompletableFuture<Throwable> fatal = new CompletableFuture<>();
    private final List<String> seen = Collections.synchronizedList(new ArrayList<>());
    private Database database;
    private Engine engine;

    private RunId start(RunType<String, String> type) {
        database = Database.open(folder.resolve("host.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()));
        SystemClock clock = new SystemClock();
        EngineOptions quick = EngineOptions.defaults().backoff(new Backoff(Duration.ofMillis(1), Duration.ofMillis(5)));
        IdGenerator ids = new IdGenerator(clock, Rng.seeded(2));
        engine = Engine.on(database, clock, timers, Rng.seeded(1), ids, quick, fatal::complete);
        engine.register(type);
        engine.resume();
        return engine.start(type, "m", "");
    }

    @AfterEach
    void close() {
        engine.close();
        database.close();
        timers.close();
    }

    private static RunType.Builder<String, String> type() {
        return RunType.named("t").codec(Codec.text(), Codec.text());
    }

    @Test
    void step_thatThrowsAnError_endsItsRunAtOnce_andTheFinalizersRun() {
        AtomicInteger tries = new AtomicInteger();
        RunId id = start(type().step("a", c -> {
                    tries.incrementAndGet();
                    throw new StackOverflowError();
                })
                .step("b", c -> {
                    seen.add("b");
                    return "";
                })
                .finalizer("f", (c, outcome) -> seen.add(outcome.word()))
                .build());
        Outcome outcome = engine.await(id, SOON).outcome();
        assertThat(outcome).isInstanceOfSatisfying(Outcome.Unrecoverable.class, u -> {
            assertThat(u.fault()).isEqualTo(Fault.SYSTEM);
            assertThat(u.detail()).contains("step 'a'", "java.lang.StackOverflowError", "defect");
        });
        assertThat(tries).hasValue(1);
        assertThat(seen).containsExactly("unrecoverable");
        assertThat(fatal).isNotDone();
    }

    @Test
    void finalizer_thatThrowsAnError_isTriedAgain() {
        AtomicInteger tries = new AtomicInteger();
        RunId id = start(type().step("a", c -> "")
                .finalizer("f", (c, outcome) -> {
                    if (tries.incrementAndGet() < 3) {
                        throw new NoClassDefFoundError("org/allod/Gone");
                    }
                })
                .build());
        assertThat(engine.await(id, SOON).outcome()).isEqualTo(new Outcome.Completed());
        assertThat(tries).hasValue(3);
    }

    @Test
    void memoryExhausted_stopsTheEngine_andTheRunIsAsAfterACrash() throws Exception {
        RunId id = start(type().step("a", c -> {
                    throw new OutOfMemoryError("of the test");
                })
                .finalizer("f", (c, outcome) -> seen.add(outcome.word()))
                .build());
        assertThat(fatal.get(20, TimeUnit.SECONDS))
                .isInstanceOf(OutOfMemoryError.class)
                .hasMessage("of the test");
        assertThat(engine.get(id).orElseThrow().outcome()).isEmpty();
        assertThat(seen).isEmpty();
    }
}
