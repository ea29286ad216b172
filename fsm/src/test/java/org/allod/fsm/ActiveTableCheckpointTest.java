package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.allod.store.Schema;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read back after a restart is what was recorded, however little of it was written to the row of the run. */
class ActiveTableCheckpointTest {
    private static final int STEPS = 6;

    @TempDir
    Path dir;

    private final IdGenerator ids = new IdGenerator(new SystemClock(), Rng.seeded(2));

    /** What the engine knows of an active run, and the record must give back. */
    private record Known(RunSpec spec, LogPosition position, RunState state, String error, Optional<String> response) {}

    private Database open() {
        return Database.open(dir.resolve("host.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()));
    }

    private RunSpec spec(int n) {
        return spec(new RunId(ids.ulid()), n);
    }

    static RunSpec spec(RunId id, int n) {
        return new RunSpec(
                id,
                "t",
                "t",
                "s" + n,
                n,
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of("a", "b", "c", "d", "e", "f"),
                List.of(),
                payload("request " + n));
    }

    private static Payload payload(String text) {
        return new Payload(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Known record(EventStore store, Known k, List<Event> events, RunState after, String error) {
        Optional<String> response = k.response();
        for (Event event : events) {
            if (event instanceof Event.StepDone d && d.response().isPresent()) {
                response = Optional.of(new String(d.response().get().bytes(), StandardCharsets.UTF_8));
            }
        }
        LogPosition position =
                AppendedEvents.to(store, new LogAppend(k.position(), Optional.empty(), events, after, error, 1));
        return new Known(k.spec(), position, after, error, response);
    }

    /** One move a run may make from where it is; empty where it ended. */
    private static Optional<Known> move(EventStore store, Known k, Rng rng) {
        return switch (k.state()) {
            case RunState.Running(int step, int attempt)
            when rng.nextInt(4) == 0 ->
                Optional.of(record(
                        store,
                        k,
                        List.of(new Event.StepFailed(step, attempt, "no")),
                        new RunState.Pausing(step, attempt),
                        "no"));
            case RunState.Running(int step, int attempt)
            when rng.nextInt(8) == 0 ->
                Optional.of(record(
                        store,
                        k,
                        List.of(new Event.CancelAsked("why")),
                        new RunState.Cancelling(step, attempt, "why"),
                        ""));
            case RunState.Running(int step, int attempt) -> {
                Optional<Payload> answer =
                        rng.nextInt(3) == 0 ? Optional.empty() : Optional.of(payload("answer " + rng.nextInt(1000)));
                List<Event> done = List.of(new Event.StepDone(step, attempt, answer));
                if (step + 1 == STEPS) {
                    Outcome end = new Outcome.Completed();
                    AppendedEvents.to(
                            store,
                            new LogAppend(
                                    k.position(),
                                    Optional.empty(),
                                    List.of(done.getFirst(), new Event.Finished(end)),
                                    new RunState.Finished(end),
                                    "",
                                    1));
                    yield Optional.empty();
                }
                yield Optional.of(record(store, k, done, new RunState.Running(step + 1, 1), ""));
            }
            // The next attempt is known by its end: nothing is recorded of its begin.
            case RunState.Pausing(int step, int attempt) ->
                move(
                        store,
                        new Known(
                                k.spec(),
                                k.position(),
                                new RunState.Running(step, attempt + 1),
                                k.error(),
                                k.response()),
                        rng);
            default -> Optional.of(k);
        };
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void restart_atAnyMoment_findsWhatWasRecorded(long seed) {
        Rng rng = Rng.seeded(seed);
        Map<RunId, Known> known = new TreeMap<>();
        for (int life = 0; life < 12; life++) {
            try (Database database = open()) {
                EventStore store = new SqliteStore(database, 1 + rng.nextInt(20));
                assertThat(store.load()).as("seed %d, life %d", seed, life).satisfies(found -> same(found, known));
                for (int i = rng.nextInt(40); i > 0; i--) {
                    if (known.size() < 8) {
                        RunSpec spec = spec(i);
                        LogAppend start = new LogAppend(
                                LogPosition.NONE,
                                Optional.of(spec),
                                List.of(),
                                new RunState.Waiting(),
                                "",
                                spec.created());
                        Known begun = new Known(
                                spec,
                                AppendedEvents.to(store, start),
                                new RunState.Running(0, 1),
                                "",
                                Optional.empty());
                        // Admission is not recorded; only a run whose first step ended is compared below.
                        known.put(spec.id(), move(store, begun, Rng.seeded(3)).orElseThrow());
                    }
                    List<Known> all = new ArrayList<>(known.values());
                    Known one = all.get(rng.nextInt(all.size()));
                    move(store, one, rng)
                            .ifPresentOrElse(
                                    k -> known.put(k.spec().id(), k),
                                    () -> known.remove(one.spec().id()));
                    if (rng.nextInt(10) == 0) {
                        store.prune(2, 0, 100);
                    }
                }
            }
        }
        assertThat(known).isNotEmpty();
    }

    private static void same(List<? extends ActiveRunRecord> found, Map<RunId, Known> known) {
        Map<RunId, Known> read = new TreeMap<>();
        for (ActiveRunRecord r : found) {
            read.put(
                    r.spec().id(),
                    new Known(
                            r.spec(),
                            r.position(),
                            r.state(),
                            r.error(),
                            r.response().map(p -> new String(p.bytes(), StandardCharsets.UTF_8))));
        }
        assertThat(read.keySet()).isEqualTo(known.keySet());
        known.forEach((id, k) -> {
            Known r = read.get(id);
            assertThat(List.of(r.position(), r.state(), r.error(), r.response()))
                    .isEqualTo(List.of(k.position(), k.state(), k.error(), k.response()));
        });
    }

    /** A batch that is rolled back takes its folding with it; the next one starts from what is in the file. */
    @Test
    void fold_rolledBack_losesNothing() {
        try (Database database = open()) {
            SqliteStore store = new SqliteStore(database, 1_000_000);
            store.load();
            RunSpec spec = spec(1);
            Known k = new Known(
                    spec,
                    AppendedEvents.to(
                            store,
                            new LogAppend(
                                    LogPosition.NONE, Optional.of(spec), List.of(), new RunState.Waiting(), "", 1)),
                    new RunState.Running(0, 1),
                    "",
                    Optional.empty());
            k = record(
                    store,
                    k,
                    List.of(new Event.StepDone(0, 1, Optional.of(payload("x")))),
                    new RunState.Running(1, 1),
                    "");
            ActiveTableCheckpoint checkpoint = new ActiveTableCheckpoint(1);
            long last = k.position().last();
            assertThatThrownBy(() -> database.write(tx -> {
                        checkpoint.ifDue(tx, 1, last);
                        throw new FailedException("planned");
                    }))
                    .hasMessage("planned");
            k = record(store, k, List.of(new Event.StepDone(1, 1, Optional.empty())), new RunState.Running(2, 1), "");
            long now = k.position().last();
            database.write(tx -> {
                checkpoint.ifDue(tx, 1, now);
                return now;
            });
            ActiveRunRecord r = new SqliteStore(database).load().getFirst();
            assertThat(r.position()).isEqualTo(k.position());
            assertThat(r.state()).isEqualTo(new RunState.Running(2, 1));
            assertThat(r.response()).isPresent();
            assertThat(store.history(spec.id(), k.position()))
                    .extracting(HistoryEvent::kind)
                    .containsExactly("start", "step", "step");
        }
    }

    private LogPosition start(EventStore store, RunSpec spec) {
        return AppendedEvents.to(
                store, new LogAppend(LogPosition.NONE, Optional.of(spec), List.of(), new RunState.Waiting(), "", 1));
    }

    /** A start writes no row of {@code active}: whoever reads must find the run all the same, folded or not. */
    @ParameterizedTest(name = "folded every {0} events")
    @ValueSource(ints = {1, 1_000_000})
    void runs_thatOnlyStarted_areFoundWaiting(int foldEvery) {
        List<RunId> started = new ArrayList<>();
        for (int life = 0; life < 3; life++) {
            try (Database database = open()) {
                SqliteStore store = new SqliteStore(database, foldEvery);
                assertThat(store.load())
                        .allSatisfy(r -> assertThat(r.state()).isEqualTo(new RunState.Waiting()))
                        .extracting(r -> r.spec().id())
                        .isEqualTo(started);
                RunSpec other = spec(100 + life);
                LogPosition position = start(store, other);
                for (int i = 0; i < 3; i++) {
                    RunSpec spec = spec(i);
                    start(store, spec);
                    started.add(spec.id());
                }
                // Has no row yet where nothing is folded, and needs none any more.
                Outcome end = new Outcome.Aborted("no");
                List<Event> events = List.of(new Event.Halted(end), new Event.Finished(end));
                AppendedEvents.to(
                        store, new LogAppend(position, Optional.empty(), events, new RunState.Finished(end), "", 2));
            }
        }
    }

    /** What is folded is known by the number of the run: one given out twice would never get its row. */
    @Test
    void numbers_ofRunsForgotten_areNotGivenOutAgain() {
        try (Database database = open()) {
            EventStore store = new SqliteStore(database);
            store.load();
            LogPosition position = start(store, spec(1));
            Outcome end = new Outcome.Aborted("no");
            List<Event> events = List.of(new Event.Halted(end), new Event.Finished(end));
            AppendedEvents.to(
                    store, new LogAppend(position, Optional.empty(), events, new RunState.Finished(end), "", 1));
            new SqliteStore(database).load();
            assertThat(store.prune(0, 0, 10)).isEqualTo(1);
        }
        RunSpec second = spec(2);
        try (Database database = open()) {
            EventStore store = new SqliteStore(database);
            store.load();
            start(store, second);
        }
        try (Database database = open()) {
            assertThat(new SqliteStore(database).load())
                    .extracting(r -> r.spec().id())
                    .containsExactly(second.id());
        }
    }

    /** A file of the program before: every active run has its row, and {@code folded} knows of no runs. */
    @Test
    void fileOfTheVersionBefore_isReadAndGoesOn() {
        Schema now = FsmSchema.schema();
        Schema before = new Schema("fsm", now.migrations().subList(0, 2));
        RunSpec old = spec(1);
        try (Database database = Database.open(dir.resolve("host.db"), DatabaseOptions.defaults(), List.of(before))) {
            database.write(tx -> {
                InsertStatements.run(tx, 7, old);
                return tx.update(
                        "INSERT INTO active(run, last, answer, phase, step, attempt) VALUES (7, 0, 0, 'waiting', 0, 0)");
            });
        }
        RunSpec young = spec(2);
        try (Database database = open()) {
            EventStore store = new SqliteStore(database);
            assertThat(store.load()).extracting(r -> r.spec().id()).containsExactly(old.id());
            assertThat(start(store, young).run()).isEqualTo(8);
        }
        try (Database database = open()) {
            assertThat(new SqliteStore(database).load())
                    .extracting(r -> r.spec().id())
                    .containsExactly(old.id(), young.id());
        }
    }
}
