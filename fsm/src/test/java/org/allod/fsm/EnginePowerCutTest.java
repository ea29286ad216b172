package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.allod.base.RejectedException;
import org.allod.powercut.PowerCuts;
import org.allod.powercut.Recording;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** After a power cut every run goes on where the record says, and no acknowledged event is missing (decision 012). */
class EnginePowerCutTest {
    private static final int CUTS = 100;
    /** Cuts within which a planted fault must be found. */
    private static final int PATIENCE = 60;

    @TempDir
    Path dir;

    private Recording record() throws Exception {
        Path home = Files.createTempDirectory(dir, "recorded");
        Path root = home.resolve("root");
        Path ledger = home.resolve("ledger");
        String data = root.resolve("data").toString();
        var recorder = new Recording.Recorder(root, ledger, home.resolve("trace"));
        assertThat(recorder.run(EnginePowerCutChild.class, data, ledger.toString(), "dies"))
                .isEqualTo(9);
        assertThat(recorder.run(EnginePowerCutChild.class, data, ledger.toString(), "closes"))
                .isZero();
        return recorder.end();
    }

    @Test
    void runs_afterAnyPowerCut_goOnWithEveryAcknowledgedEvent() throws Exception {
        PowerCuts.test("run-cuts", CUTS, this::record, EnginePowerCutTest::check);
    }

    @Test
    void plantedFault_flushesOfTheLogUnheard_isFound() throws Exception {
        Recording faulty = record().ignoring("data/host.db-wal"::equals);
        assertThatThrownBy(() -> PowerCuts.replay(faulty, 1, PATIENCE, EnginePowerCutTest::check))
                .isInstanceOf(AssertionError.class)
                .satisfies(e -> System.out.println("planted fault found: " + e.getMessage()));
    }

    /** What the ledger says of one run: the last step that began, whether it was cancelled, how it ended. */
    private record Known(int begun, boolean tidied, boolean cancelled, String ended) {
        static final Known NOTHING = new Known(-1, false, false, "");
    }

    private static Map<RunId, Known> known(List<String> acknowledged) {
        Map<String, Integer> order = EnginePowerCutWorkload.order();
        Map<RunId, Known> known = new TreeMap<>();
        for (String line : acknowledged) {
            String[] words = line.split(" ");
            RunId id = RunId.parse(words[1]).orElseThrow();
            Known k = known.getOrDefault(id, Known.NOTHING);
            known.put(
                    id,
                    switch (words[0]) {
                        case "started" -> k;
                        case "begin" ->
                            new Known(Math.max(k.begun, order.get(words[2])), k.tidied, k.cancelled, k.ended);
                        case "tidy" -> new Known(k.begun, true, k.cancelled, k.ended);
                        case "cancelled" -> new Known(k.begun, k.tidied, true, k.ended);
                        case "ended" -> new Known(k.begun, k.tidied, k.cancelled, words[2]);
                        default -> throw new AssertionError(line);
                    });
        }
        return known;
    }

    static void check(Path root, List<String> acknowledged) throws IOException {
        Map<RunId, Known> known = known(acknowledged);
        Files.createDirectories(root.resolve("data"));
        var begun = new ConcurrentLinkedQueue<String>();
        var stopped = new ConcurrentLinkedQueue<Throwable>();
        // Nothing is forgotten while we look.
        try (var work = new EnginePowerCutWorkload(root.resolve("data/host.db"), 1000, begun::add, stopped::add)) {
            List<String> complaints =
                    work.database.read(tx -> tx.list("PRAGMA integrity_check", row -> row.getString(1)));
            assertThat(complaints).containsExactly("ok");
            List<RunId> active = new ArrayList<>();
            work.engine.resume(view -> active.add(view.id()));
            for (RunId id : active) {
                Known k = known.getOrDefault(id, Known.NOTHING);
                assertThat(k.ended).as("run %s is active again", id).isEmpty();
                RunResult result = end(work, id, stopped);
                whole(work, id, result.outcome().word());
                if (k.cancelled) {
                    assertThat(result.outcome().word()).as("%s", id).isEqualTo("cancelled");
                }
            }
            known.forEach((id, k) -> there(work, id, k));
            notAgain(known, begun);
            assertThat(stopped).isEmpty();
        }
    }

    private static RunResult end(EnginePowerCutWorkload work, RunId id, Iterable<Throwable> stopped) {
        try {
            return work.engine.await(id, Duration.ofSeconds(20));
        } catch (RejectedException e) {
            throw new AssertionError(
                    "%s; it is %s, its history %s, the engine %s"
                            .formatted(e.getMessage(), work.engine.get(id), work.engine.history(id), stopped),
                    e);
        }
    }

    /** Each run that is known is there, with every event that was acknowledged; or so many younger are that it is forgotten. */
    private static void there(EnginePowerCutWorkload work, RunId id, Known k) {
        var view = work.engine.get(id);
        if (view.isEmpty()) {
            long younger = work
                    .engine
                    .list(
                            new RunFilter(java.util.Optional.empty(), java.util.Optional.empty(), false),
                            java.util.Optional.empty(),
                            1000)
                    .stream()
                    .filter(v -> v.id().compareTo(id) > 0)
                    .count();
            assertThat(younger).as("run %s is missing: %s", id, k).isGreaterThanOrEqualTo(EnginePowerCutWorkload.KEPT);
            return;
        }
        String word = view.get().outcome().orElseThrow().word();
        if (!k.ended.isEmpty()) {
            assertThat(word).as("%s", id).isEqualTo(k.ended);
        }
        whole(work, id, word);
        long done = work.engine.history(id).stream()
                .filter(e -> e.kind().equals("step"))
                .count();
        assertThat(done).as("steps of %s on record", id).isGreaterThanOrEqualTo(k.begun);
    }

    /** Its history is a whole one, and its response agrees with it. */
    private static void whole(EnginePowerCutWorkload work, RunId id, String word) {
        List<HistoryEvent> history = work.engine.history(id);
        assertThat(history.getFirst().kind()).isEqualTo("start");
        assertThat(history.getLast().kind()).isEqualTo("finish");
        List<String> done = history.stream()
                .filter(e -> e.kind().equals("step"))
                .map(HistoryEvent::step)
                .toList();
        assertThat(done).isEqualTo(EnginePowerCutWorkload.STEPS.subList(0, done.size()));
        assertThat(history).extracting(HistoryEvent::kind).contains("finalizer");
        if (word.equals("completed")) {
            assertThat(done).isEqualTo(EnginePowerCutWorkload.STEPS);
        }
        String response = work.engine
                .outcome(id)
                .join()
                .response()
                .map(b -> new String(b))
                .orElse("");
        assertThat(response).isEqualTo(String.join(",", done));
    }

    /** A step whose end was acknowledged, by the begin of a later one, is not executed again. */
    private static void notAgain(Map<RunId, Known> known, Iterable<String> begun) {
        Map<String, Integer> order = EnginePowerCutWorkload.order();
        for (String line : begun) {
            String[] words = line.split(" ");
            RunId id = RunId.parse(words[1]).orElseThrow();
            Known k = known.getOrDefault(id, Known.NOTHING);
            if (words[0].equals("begin")) {
                assertThat(order.get(words[2])).as(line).isGreaterThanOrEqualTo(k.begun);
                assertThat(k.tidied)
                        .as("%s, although its finalizer had begun", line)
                        .isFalse();
            }
        }
    }
}
