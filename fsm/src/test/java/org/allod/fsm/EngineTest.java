package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine as the daemon has it: on SQLite, on real threads and real time. */
class EngineTest {
    private static final Duration SOON = Duration.ofSeconds(20);

    @TempDir
    Path dir;

    private final SystemTimers timers = new SystemTimers();
    private Database database;
    private Engine engine;

    private Engine open(EngineOptions options, RunType<?, ?>... types) {
        database = Database.open(dir.resolve("host.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()));
        SystemClock clock = new SystemClock();
        engine = Engine.on(
                database, clock, timers, Rng.seeded(1), new IdGenerator(clock, Rng.seeded(2)), options, e -> {});
        for (RunType<?, ?> type : types) {
            engine.register(type);
        }
        engine.resume();
        return engine;
    }

    @AfterEach
    void close() {
        if (engine != null) {
            engine.close();
            database.close();
        }
        timers.close();
    }

    @Test
    void run_allStepsReturn_completesWithTheLastResponse() {
        AtomicInteger finalized = new AtomicInteger();
        RunType<String, String> type = RunType.named("greet")
                .codec(Codec.text(), Codec.text())
                .step("one", c -> c.request() + "!")
                .step("two", c -> null)
                .step("three", c -> c.response().orElseThrow() + "?")
                .finalizer("end", (c, outcome) -> finalized.incrementAndGet())
                .build();
        open(EngineOptions.defaults(), type);

        RunId id = engine.start(type, "m1", "hello");
        RunResult result = engine.await(id, SOON);

        assertThat(result.outcome()).isEqualTo(new Outcome.Completed());
        assertThat(type.response(result)).contains("hello!?");
        assertThat(finalized).hasValue(1);
        assertThat(engine.history(id))
                .extracting(HistoryEvent::kind)
                .containsExactly("start", "step", "step", "step", "finalizer", "finish");
        assertThat(engine.list(RunFilter.all(), Optional.empty(), 10))
                .singleElement()
                .satisfies(v -> assertThat(v.outcome()).contains(new Outcome.Completed()));
    }

    @Test
    void start_sameSubjectActive_isRefusedNamingTheActiveRun() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        RunType<String, String> type = RunType.named("hold")
                .codec(Codec.text(), Codec.text())
                .step("wait", c -> {
                    hold.await();
                    return "x";
                })
                .build();
        open(EngineOptions.defaults(), type);
        RunId first = engine.start(type, "m1", "");

        assertThatThrownBy(() -> engine.start(type, "m1", ""))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining(first.toString());
        hold.countDown();
        assertThat(engine.await(first, SOON).completed()).isTrue();
        assertThat(engine.await(engine.start(type, "m1", ""), SOON).completed()).isTrue();
    }
}
