package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.allod.base.BelievedClock;
import org.allod.base.IdGenerator;
import org.allod.base.Poll;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Somebody sets the host's clock: nothing is forgotten for it, nothing waits for it, and numbers go on growing. */
@Timeout(60)
class CalendarStepTest {
    private static final RunType<String, String> TYPE = RunType.named("t")
            .codec(Codec.text(), Codec.text())
            .step("s", c -> "done")
            .build();

    @TempDir
    Path dir;

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-06-01T00:00:00Z"));

    private Database database() {
        return Database.open(dir.resolve("host.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()));
    }

    private Engine engine(Database database) {
        Engine engine = Engine.on(
                database,
                time,
                time,
                Rng.seeded(1),
                new IdGenerator(time, Rng.seeded(2)),
                EngineOptions.defaults(),
                e -> {
                    throw new AssertionError(e);
                });
        engine.register(TYPE);
        engine.resume();
        return engine;
    }

    private static RunResult ended(CompletableFuture<RunResult> outcome) throws Exception {
        return outcome.get(20, TimeUnit.SECONDS);
    }

    @Test
    void history_whenTheCalendarJumpsAhead_isKept_untilItHasBeenSteadyForADay() throws Exception {
        try (Database database = database()) {
            try (Engine engine = engine(database)) {
                assertThat(ended(engine.outcome(engine.start(TYPE, "one", "")))).matches(RunResult::completed);
            }
            EventStore store = EventStore.sqlite(database);
            store.load();
            BelievedClock clock = new BelievedClock(time);
            time.advance(Duration.ofDays(1));
            time.step(Duration.ofDays(300));
            HistoryPruner pruner = new HistoryPruner(store, clock, Runnable::run, EngineOptions.defaults());
            pruner.start((delay, task) -> () -> {});
            assertThat(store.ended(Optional.empty(), 10)).hasSize(1);
            time.advance(Duration.ofDays(1));
            pruner.start((delay, task) -> () -> {});
            assertThat(store.ended(Optional.empty(), 10)).isEmpty();
        }
    }

    /** The delay is an hour. It may have begun only after the first has passed: the start is durable a little before. */
    private void inTwoHours(Engine engine, RunId run) throws Exception {
        time.advance(Duration.ofHours(1));
        CompletableFuture<RunResult> outcome = engine.outcome(run);
        boolean early = Poll.within(Duration.ofSeconds(1), Duration.ofMillis(2), outcome::isDone);
        time.advance(early ? Duration.ZERO : Duration.ofHours(1));
        assertThat(ended(outcome)).matches(RunResult::completed);
    }

    @Test
    void delayedRun_whenTheCalendarGoesBack_waitsNoLonger() throws Exception {
        try (Database database = database();
                Engine engine = engine(database)) {
            RunId run = engine.start(TYPE, "one", "", StartOptions.none().delay(Duration.ofHours(1)));
            time.step(Duration.ofHours(-10));
            inTwoHours(engine, run);
        }
    }

    @Test
    void delayedRun_whenTheCalendarGoesBackOverARestart_waitsNoLongerThanAtFirst() throws Exception {
        try (Database database = database()) {
            RunId run;
            try (Engine engine = engine(database)) {
                run = engine.start(TYPE, "one", "", StartOptions.none().delay(Duration.ofHours(1)));
            }
            time.step(Duration.ofHours(-10));
            try (Engine engine = engine(database)) {
                inTwoHours(engine, run);
            }
        }
    }

    @Test
    void runs_afterARestartWithTheCalendarBack_areNumberedOn() throws Exception {
        try (Database database = database()) {
            RunId first;
            try (Engine engine = engine(database)) {
                first = engine.start(TYPE, "one", "");
                assertThat(ended(engine.outcome(first))).matches(RunResult::completed);
            }
            time.step(Duration.ofDays(-30));
            try (Engine engine = engine(database)) {
                RunId next = engine.start(TYPE, "one", "");
                assertThat(next).isGreaterThan(first);
                assertThat(ended(engine.outcome(next))).matches(RunResult::completed);
            }
        }
    }
}
