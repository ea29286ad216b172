package org.allod.store;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.allod.powercut.Recording;

/**
 * What {@link StorePowerCutTest} records: a process with three writers that change two tables together, each waiting for one
 * write before the next, and put on the ledger what was acknowledged. It closes the database and opens it again, then
 * dies in the middle of a transaction; or closes at the end.
 */
final class StorePowerCutChild {
    static final DatabaseOptions OPTIONS = new DatabaseOptions(64, 16, 1, 48);
    static final Schema SCHEMA = new Schema(
            "powercut",
            List.of(List.of(
                    "CREATE TABLE note(writer INTEGER, n INTEGER, body BLOB NOT NULL, PRIMARY KEY(writer, n))",
                    "CREATE TABLE tally(writer INTEGER PRIMARY KEY, count INTEGER NOT NULL)")));
    static final int WRITERS = 3;
    private static final int EACH = 24;

    private StorePowerCutChild() {}

    /** Arguments: the data folder, the ledger, {@code dies} or {@code closes}, and {@code honest} or {@code unflushed}. */
    public static void main(String[] args) throws Exception {
        Path data = Path.of(args[0]);
        Path ledger = Path.of(args[1]);
        Files.createDirectories(data);
        Transactions.Commit commit = args[3].equals("honest") ? Transactions::commit : StorePowerCutChild::unflushed;
        try (Database db = Database.open(data.resolve("t.db"), OPTIONS, List.of(SCHEMA), commit)) {
            together(db, ledger);
            // Nobody else writes: commits happen on the caller's thread.
            Thread.ofVirtual().start(() -> write(db, ledger, 0, EACH)).join();
        }
        try (Database db = Database.open(data.resolve("t.db"), OPTIONS, List.of(SCHEMA), commit)) {
            together(db, ledger);
            if (args[2].equals("dies")) {
                db.write(tx -> {
                    apply(tx, 0, 1_000_000);
                    Runtime.getRuntime().halt(9);
                    return 0;
                });
            }
        }
    }

    /** The planted fault: from the first commit on nothing is flushed, and yet acknowledged. */
    private static void unflushed(Transaction tx) throws SQLException {
        Transactions.commit(tx);
        tx.update("PRAGMA synchronous=OFF");
    }

    private static void together(Database db, Path ledger) throws InterruptedException {
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            int writer = i;
            writers.add(Thread.ofVirtual().start(() -> write(db, ledger, writer, EACH)));
        }
        for (Thread writer : writers) {
            writer.join();
        }
    }

    private static void write(Database db, Path ledger, int writer, int times) {
        for (int i = 0; i < times; i++) {
            int n = db.write(tx -> {
                int next = count(tx, writer) + 1;
                apply(tx, writer, next);
                return next;
            });
            Recording.acknowledge(ledger, writer + " " + n);
        }
    }

    static int count(Transaction tx, int writer) throws SQLException {
        return tx.first("SELECT count FROM tally WHERE writer = ?", row -> row.getInt(1), writer)
                .orElse(0);
    }

    /** The {@code n}-th change of a writer: a row in one table, perhaps an old one less, and the count in the other. */
    static void apply(Transaction tx, int writer, int n) throws SQLException {
        tx.update("INSERT INTO note VALUES (?, ?, ?)", writer, n, body(writer, n));
        if (n % 3 == 0) {
            tx.update("DELETE FROM note WHERE writer = ? AND n = ?", writer, n - 5);
        }
        tx.update("INSERT OR REPLACE INTO tally VALUES (?, ?)", writer, n);
    }

    /** From a few bytes to several pages. */
    static byte[] body(int writer, int n) {
        Rng rng = Rng.seeded(writer * 1_000_003L + n);
        byte[] body = new byte[rng.chance(0.1) ? 10_000 + rng.nextInt(5_000) : 10 + rng.nextInt(300)];
        rng.nextBytes(body);
        return body;
    }

    /** What a writer's rows are after {@code count} changes, by number; the sum of their bytes stands for each. */
    static TreeMap<Integer, Integer> rows(int writer, int count) {
        TreeMap<Integer, Integer> rows = new TreeMap<>();
        for (int n = 1; n <= count; n++) {
            rows.put(n, java.util.Arrays.hashCode(body(writer, n)));
            if (n % 3 == 0) {
                rows.remove(n - 5);
            }
        }
        return rows;
    }
}
