package org.allod.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.allod.base.Rng;
import org.allod.state.ChangeSet;
import org.allod.state.SchemaReader;
import org.allod.state.SqlStatement;
import org.allod.state.SqliteReplica;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.allod.store.Schema;

/**
 * Replicated tables in SQLite: the cost of an insert beside the same insert in plain SQLite, how fast remote changes
 * are applied, and the disk space of a row.
 */
final class StateBench implements Benchmark {
    private static final String TABLE =
            "CREATE TABLE item(id INTEGER NOT NULL PRIMARY KEY, name TEXT, address TEXT, port INTEGER, note TEXT)";
    private static final String INSERT = "INSERT INTO item(id, name, address, port, note) VALUES (?, ?, ?, ?, ?)";
    private static final int CELLS = 5;

    @Override
    public String name() {
        return "state";
    }

    @Override
    public String purpose() {
        return "replicated tables: an insert beside plain SQLite's, changes applied, bytes a row";
    }

    @Override
    public int run(List<String> args) {
        Arguments arguments;
        try {
            arguments = new Arguments(args, Map.of("rows", "20000", "runs", "3", "dir", ""));
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            return 2;
        }
        int rows = arguments.number("rows");
        List<Double> plain = new ArrayList<>();
        List<Double> replicated = new ArrayList<>();
        List<Double> plainAlone = new ArrayList<>();
        List<Double> replicatedAlone = new ArrayList<>();
        List<Double> applied = new ArrayList<>();
        List<Double> bytes = new ArrayList<>();
        for (int run = 0; run <= arguments.number("runs"); run++) {
            try (TempDir scratch = TempDir.in(arguments.text("dir"))) {
                // The first run warms up and does not count.
                boolean counts = run > 0;
                add(counts, plain, plain(scratch.dir().resolve("p.db"), rows, 100));
                add(counts, plainAlone, plain(scratch.dir().resolve("p1.db"), rows / 20, 1));
                List<ChangeSet> sets = new ArrayList<>();
                add(counts, replicated, replicated(scratch.dir().resolve("r.db"), rows, 100, sets));
                add(
                        counts,
                        replicatedAlone,
                        replicated(scratch.dir().resolve("r1.db"), rows / 20, 1, new ArrayList<>()));
                double seconds = apply(scratch.dir().resolve("a.db"), sets);
                add(counts, applied, rows * CELLS / seconds);
                add(counts, bytes, (double) Files.size(scratch.dir().resolve("a.db")) / rows);
            } catch (IOException e) {
                System.err.println("state: " + e);
                return 1;
            }
        }
        boolean json = arguments.json();
        ResultRow.ratio(json, "insert, 100 in a transaction", replicated, plain, 2);
        ResultRow.ratio(json, "insert, alone", replicatedAlone, plainAlone, 2);
        System.out.printf(
                Locale.ROOT,
                "changes applied (cells, sets of 100 rows) %s /s   target >= 60,000   %s%n",
                new Measurements(applied).text(),
                new Measurements(applied).median() >= 60_000 ? "met" : "MISSED");
        ResultRow.bound(json, "disk of a row", "B", bytes, List.of(), 250);
        return 0;
    }

    private static void add(boolean counts, List<Double> to, double value) {
        if (counts) {
            to.add(value);
        }
    }

    private static Object[] row(int id) {
        return new Object[] {
            (long) id, "name-" + id, "10.0." + id % 250 + ".7", (long) (id % 65_536), "a note of some length"
        };
    }

    /** Milliseconds for all rows. */
    private static double plain(Path file, int rows, int together) {
        try (Database db = Database.open(
                file, DatabaseOptions.defaults(), List.of(new Schema("bench", List.of(List.of(TABLE)))))) {
            long start = System.nanoTime();
            for (int from = 0; from < rows; from += together) {
                int first = from;
                db.write(tx -> {
                    for (int id = first; id < first + together; id++) {
                        tx.update(INSERT, row(id));
                    }
                    return 0;
                });
            }
            return (System.nanoTime() - start) / 1e6;
        }
    }

    private static double replicated(Path file, int rows, int together, List<ChangeSet> sets) {
        try (SqliteReplica replica = SqliteReplica.open(file, Rng.system())) {
            replica.applySchema(SchemaReader.read(TABLE));
            long start = System.nanoTime();
            for (int from = 0; from < rows; from += together) {
                List<SqlStatement> statements = new ArrayList<>();
                for (int id = from; id < from + together; id++) {
                    statements.add(SqlStatement.of(INSERT, row(id)));
                }
                replica.transact(statements).join().set().ifPresent(sets::add);
            }
            return (System.nanoTime() - start) / 1e6;
        }
    }

    /** Seconds to apply all, ten change sets at a time. */
    private static double apply(Path file, List<ChangeSet> sets) {
        try (SqliteReplica replica = SqliteReplica.open(file, Rng.system())) {
            replica.applySchema(SchemaReader.read(TABLE));
            long start = System.nanoTime();
            for (int from = 0; from < sets.size(); from += 10) {
                replica.apply(sets.subList(from, Math.min(sets.size(), from + 10)));
            }
            return (System.nanoTime() - start) / 1e9;
        }
    }
}
