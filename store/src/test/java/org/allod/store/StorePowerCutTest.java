package org.allod.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import org.allod.powercut.PowerCuts;
import org.allod.powercut.Recording;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An acknowledged write survives power loss: replayed on what a disk may hold (docs/decisions/012). */
class StorePowerCutTest {
    private static final int CUTS = 150;
    /** Cuts within which a planted fault must be found. */
    private static final int PATIENCE = 60;

    @TempDir
    Path dir;

    private Recording record(String honesty) throws Exception {
        Path home = Files.createTempDirectory(dir, "recorded");
        Path root = home.resolve("root");
        Path ledger = home.resolve("ledger");
        String data = root.resolve("data").toString();
        var recorder = new Recording.Recorder(root, ledger, home.resolve("trace"));
        assertThat(recorder.run(StorePowerCutChild.class, data, ledger.toString(), "dies", honesty))
                .isEqualTo(9);
        assertThat(recorder.run(StorePowerCutChild.class, data, ledger.toString(), "closes", honesty))
                .isZero();
        return recorder.end();
    }

    @Test
    void acknowledgedWrites_afterAnyPowerCut_areThereAndWhole() throws Exception {
        PowerCuts.test("store-cuts", CUTS, () -> record("honest"), StorePowerCutTest::check);
    }

    @Test
    void plantedFault_nothingFlushed_isFound() throws Exception {
        found(record("unflushed"));
    }

    /** The recording of a true program, on a disk that does not hear one kind of its flushes. */
    @Test
    void plantedFault_flushesOfLogFileOrFolderUnheard_areFound() throws Exception {
        Recording recording = record("honest");
        found(recording.ignoring("data/t.db-wal"::equals));
        found(recording.ignoring("data/t.db"::equals));
        found(recording.ignoring("data"::equals));
        found(recording.ignoring(""::equals));
    }

    private void found(Recording faulty) {
        assertThatThrownBy(() -> PowerCuts.replay(faulty, 1, PATIENCE, StorePowerCutTest::check))
                .isInstanceOf(AssertionError.class)
                .satisfies(e -> System.out.println("planted fault found: " + e.getMessage()));
    }

    /** Opens what is left as a restarted daemon would. */
    static void check(Path root, List<String> acknowledged) throws IOException {
        Path data = root.resolve("data");
        Files.createDirectories(data);
        try (Database db = Database.open(
                data.resolve("t.db"),
                StorePowerCutChild.OPTIONS,
                List.of(StorePowerCutChild.SCHEMA),
                Transactions::commit)) {
            List<String> complaints = db.read(tx -> tx.list("PRAGMA integrity_check", row -> row.getString(1)));
            assertThat(complaints).containsExactly("ok");
            for (int i = 0; i < StorePowerCutChild.WRITERS; i++) {
                int writer = i;
                int count = db.read(tx -> StorePowerCutChild.count(tx, writer));
                int last = last(acknowledged, writer);
                // Each waits for one write before the next, so at most one more may be there.
                assertThat(count).as("writes of writer %d", writer).isBetween(last, last + 1);
                assertThat(rows(db, writer))
                        .as("rows of writer %d", writer)
                        .isEqualTo(StorePowerCutChild.rows(writer, count));
            }
            db.write(tx -> tx.update("INSERT INTO note VALUES (99, 1, x'00')"));
        }
    }

    private static int last(List<String> acknowledged, int writer) {
        return acknowledged.stream()
                .filter(line -> line.startsWith(writer + " "))
                .mapToInt(line -> Integer.parseInt(line.substring(line.indexOf(' ') + 1)))
                .max()
                .orElse(0);
    }

    private static TreeMap<Integer, Integer> rows(Database db, int writer) {
        TreeMap<Integer, Integer> rows = new TreeMap<>();
        db.read(tx -> tx.list(
                        "SELECT n, body FROM note WHERE writer = ?",
                        row -> new int[] {row.getInt(1), java.util.Arrays.hashCode(row.getBytes(2))},
                        writer))
                .forEach(row -> rows.put(row[0], row[1]));
        return rows;
    }
}
