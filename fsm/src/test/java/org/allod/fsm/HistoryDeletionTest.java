package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Forgetting takes whole runs, the oldest, and nothing of any other, however their events lie among each other. */
class HistoryDeletionTest {
    private static final int STEPS = 3;

    @TempDir
    Path dir;

    private final IdGenerator ids = new IdGenerator(new SystemClock(), Rng.seeded(4));

    private LogPosition start(EventStore store) {
        RunSpec spec = new RunSpec(
                new RunId(ids.ulid()),
                "t",
                "t",
                "s",
                1,
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of("a", "b", "c"),
                List.of(),
                new Payload(new byte[0]));
        return AppendedEvents.to(
                store, new LogAppend(LogPosition.NONE, Optional.of(spec), List.of(), new RunState.Waiting(), "", 1));
    }

    private static LogPosition step(EventStore store, LogPosition position, int step, long at) {
        Event done = new Event.StepDone(
                step, 1, Optional.of(new Payload(("answer " + step).getBytes(StandardCharsets.UTF_8))));
        if (step + 1 < STEPS) {
            return AppendedEvents.to(
                    store,
                    new LogAppend(
                            position, Optional.empty(), List.of(done), new RunState.Running(step + 1, 1), "", at));
        }
        Outcome end = new Outcome.Completed();
        List<Event> events = List.of(done, new Event.Finished(end));
        return AppendedEvents.to(
                store, new LogAppend(position, Optional.empty(), events, new RunState.Finished(end), "", at));
    }

    /** Events on record by run. */
    private static Map<Long, Long> events(Database database) {
        Map<Long, Long> counts = new TreeMap<>();
        database.read(tx -> tx.list("SELECT run, count(*) FROM event GROUP BY run", row ->
                        new long[] {row.getLong(1), row.getLong(2)}))
                .forEach(row -> counts.put(row[0], row[1]));
        return counts;
    }

    private static List<Long> numbers(Database database, String sql) {
        return database.read(tx -> tx.list(sql, row -> row.getLong(1)));
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void prune_ofRunsThatLieAmongOthers_takesTheOldestEndedWholeAndNothingElse(long seed) {
        Rng rng = Rng.seeded(seed);
        try (Database database =
                Database.open(dir.resolve("host.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()))) {
            SqliteStore store = new SqliteStore(database, 1 + rng.nextInt(30));
            store.load();
            Map<Long, LogPosition> refs = new HashMap<>();
            Map<Long, Integer> next = new TreeMap<>();
            List<Long> ended = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                if (next.size() < 12) {
                    LogPosition position = start(store);
                    refs.put(position.run(), position);
                    next.put(position.run(), 0);
                }
                // The first few hardly ever go on: old events of active runs among those of ended ones.
                List<Long> active = new ArrayList<>(next.keySet());
                long run = active.get(rng.chance(0.9) ? 6 % active.size() : rng.nextInt(active.size()));
                int step = next.merge(run, 1, Integer::sum) - 1;
                refs.put(run, step(store, refs.get(run), step, 1_000 + i));
                if (step + 1 == STEPS) {
                    next.remove(run);
                    ended.add(run);
                }
            }
            ended.sort(null);
            int most = 7;
            int forgotten;
            do {
                forgotten = store.prune(20, 0, most);
                assertThat(forgotten).isBetween(0, most);
            } while (forgotten == most);

            List<Long> kept = ended.subList(ended.size() - 20, ended.size());
            assertThat(numbers(database, "SELECT run FROM ended ORDER BY run")).isEqualTo(kept);
            List<Long> runs = new ArrayList<>(kept);
            runs.addAll(next.keySet());
            runs.sort(null);
            assertThat(numbers(database, "SELECT no FROM run ORDER BY no")).isEqualTo(runs);
            Map<Long, Long> expected = new TreeMap<>();
            kept.forEach(run -> expected.put(run, (long) STEPS));
            next.forEach((run, steps) -> {
                if (steps > 0) {
                    expected.put(run, (long) steps);
                }
            });
            assertThat(events(database)).isEqualTo(expected);
        }
    }

    @Test
    void prune_ofRunsThatEndedTooLongAgo_takesThoseAlone() {
        try (Database database =
                Database.open(dir.resolve("host.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()))) {
            SqliteStore store = new SqliteStore(database);
            store.load();
            for (int i = 0; i < 10; i++) {
                LogPosition position = start(store);
                for (int step = 0; step < STEPS; step++) {
                    // Every other one ended late.
                    position = step(store, position, step, i % 2 == 0 ? 100 : 1_000);
                }
            }
            assertThat(store.prune(1_000, 500, 100)).isEqualTo(5);
            assertThat(numbers(database, "SELECT run FROM ended ORDER BY run")).containsExactly(2L, 4L, 6L, 8L, 10L);
            assertThat(events(database)).containsOnlyKeys(2L, 4L, 6L, 8L, 10L);
            assertThat(store.prune(1_000, 500, 100)).isZero();
        }
    }

    @Test
    void ranges_ofNumbers_haveNoGapsInside() {
        assertThat(HistoryDeletion.ranges(new long[] {})).isEmpty();
        assertThat(HistoryDeletion.ranges(new long[] {1, 2, 3, 5, 8, 9}))
                .containsExactly(
                        new HistoryDeletion.Range(1, 3),
                        new HistoryDeletion.Range(5, 5),
                        new HistoryDeletion.Range(8, 9));
    }
}
