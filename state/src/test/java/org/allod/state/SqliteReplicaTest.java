package org.allod.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SqliteReplicaTest {
    @TempDir
    Path dir;

    private SqliteReplica open(String name, String schema) {
        SqliteReplica replica = SqliteReplica.open(dir.resolve(name + ".db"), Rng.seeded(name.hashCode()));
        replica.applySchema(SchemaReader.read(schema));
        return replica;
    }

    private static LocalCommit run(SqliteReplica replica, String sql, @Nullable Object... parameters) {
        return replica.transact(List.of(SqlStatement.of(sql, parameters))).join();
    }

    static SortedMap<RowKey, SortedMap<String, @Nullable Object>> table(SqliteReplica replica, String name) {
        TableSchema table = replica.schema().table(name).orElseThrow();
        TreeMap<RowKey, SortedMap<String, @Nullable Object>> result = new TreeMap<>();
        replica.read(tx -> tx.list("SELECT * FROM \"" + name + "\"", row -> {
            List<@Nullable Object> key = new ArrayList<>();
            for (Column column : table.key()) {
                key.add(Values.of(row.getObject(column.name())));
            }
            TreeMap<String, @Nullable Object> values = new TreeMap<>();
            for (Column column : table.columns()) {
                values.put(column.name(), Values.of(row.getObject(column.name())));
            }
            result.put(new RowKey(key), values);
            return 1;
        }));
        return result;
    }

    /** Real SQL on three files, changes exchanged in random order and batches: equal to the oracle and to one another. */
    @Test
    void randomSql_onThreeFiles_givesTheOraclesTables() {
        for (long seed = 1; seed <= 6; seed++) {
            Rng rng = Rng.seeded(seed);
            List<SqliteReplica> replicas = new ArrayList<>();
            for (String name : List.of("a", "b", "c")) {
                replicas.add(open(name + seed, Trace.SQL));
            }
            SqlTrace trace = new SqlTrace(rng.fork("sql"));
            MergeOracle oracle = new MergeOracle();
            List<ChangeSet> sets = new ArrayList<>();
            for (int step = 0; step < 150; step++) {
                SqliteReplica replica = replicas.get(rng.nextInt(3));
                if (!sets.isEmpty() && rng.chance(0.4)) {
                    int from = rng.nextInt(sets.size());
                    replica.apply(sets.subList(from, Math.min(sets.size(), from + 1 + rng.nextInt(5))));
                } else {
                    try {
                        replica.transact(trace.transaction()).join().set().ifPresent(set -> {
                            // As it travels.
                            ChangeSet travelled = ChangeCodec.decodeSet(ChangeCodec.encode(set));
                            assertThat(travelled).isEqualTo(set);
                            sets.add(travelled);
                            oracle.add(set);
                        });
                    } catch (java.util.concurrent.CompletionException stale) {
                        assertThat(stale).hasCauseInstanceOf(RejectedException.class);
                    }
                }
            }
            Collections.shuffle(sets, new java.util.Random(seed));
            MemoryReplica memory = new MemoryReplica(Trace.sites(1).getFirst(), Trace.SCHEMA);
            memory.apply(sets);
            for (SqliteReplica replica : replicas) {
                replica.apply(sets);
                assertThat(replica.seen()).isEqualTo(memory.seen());
                for (TableSchema table : Trace.SCHEMA.tables().values()) {
                    assertThat(table(replica, table.name()))
                            .as("seed " + seed + " table " + table.name())
                            .isEqualTo(oracle.table(table))
                            .isEqualTo(memory.table(table.name()));
                }
            }
            // One that comes later, by sync: half of it first by broadcast.
            try (SqliteReplica late = open("late" + seed, Trace.SQL)) {
                late.apply(sets.subList(0, sets.size() / 2));
                SqliteReplica from = replicas.getFirst();
                VersionVector had = from.seen();
                late.merge(from.rows(from.missingFrom(late.seen()), late.seen()));
                late.claim(had);
                assertThat(late.seen()).isEqualTo(had);
                assertThat(from.missingFrom(late.seen())).isEmpty();
                for (TableSchema table : Trace.SCHEMA.tables().values()) {
                    assertThat(table(late, table.name())).isEqualTo(oracle.table(table));
                }
            }
            replicas.forEach(SqliteReplica::close);
        }
    }

    /** Group commit runs a piece of work again where another of its batch failed. */
    @Test
    void concurrentTransactions_someOfWhichFail_areNumberedWithoutHoles() {
        try (SqliteReplica a = open("a", Trace.SQL);
                SqliteReplica b = open("b", Trace.SQL)) {
            List<CompletableFuture<LocalCommit>> commits = new ArrayList<>();
            for (long i = 0; i < 400; i++) {
                // Every fifth comes after one that took its key.
                long id = i % 5 == 4 ? i - 1 : i;
                commits.add(a.transact(List.of(
                        SqlStatement.of("INSERT INTO tag VALUES ('t', ?)", i),
                        SqlStatement.of("INSERT INTO svc(id, name) VALUES (?, ?)", id, "n" + i))));
            }
            List<ChangeSet> sets = new ArrayList<>();
            int failed = 0;
            for (CompletableFuture<LocalCommit> commit : commits) {
                try {
                    sets.add(commit.join().set().orElseThrow());
                } catch (java.util.concurrent.CompletionException e) {
                    failed++;
                }
            }
            assertThat(failed).isEqualTo(80);
            assertThat(a.seen().head(a.site())).isEqualTo(320);
            assertThat(a.seen().sitesWithGaps()).isZero();
            b.apply(sets);
            assertThat(b.seen()).isEqualTo(a.seen());
            assertThat(table(b, "svc")).hasSize(320).isEqualTo(table(a, "svc"));
            assertThat(table(b, "tag")).hasSize(320).isEqualTo(table(a, "tag"));
        }
    }

    @Test
    void reopened_goesOnNumbering_andKeepsItsSite() {
        SiteId site;
        try (SqliteReplica a = open("a", Trace.SQL)) {
            site = a.site();
            assertThat(run(a, "INSERT INTO svc(id, name) VALUES (1, 'x')").last())
                    .isEqualTo(1);
        }
        try (SqliteReplica a = SqliteReplica.open(dir.resolve("a.db"), Rng.seeded(9))) {
            assertThat(a.site()).isEqualTo(site);
            assertThat(a.seen().head(site)).isEqualTo(1);
            assertThat(run(a, "UPDATE svc SET name = 'y' WHERE id = 1").last()).isEqualTo(2);
            // A change to what is there already is none.
            assertThat(run(a, "UPDATE svc SET name = 'y' WHERE id = 1").set()).isEmpty();
        }
    }

    @Test
    void largeTransaction_isSeveralChangeSets_cutBetweenRows() {
        try (SqliteReplica a = open("a", Trace.SQL);
                SqliteReplica b = open("b", Trace.SQL)) {
            LocalCommit commit = run(
                    a,
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)"
                            + " INSERT INTO svc(id, port) SELECT i, i FROM n");
            assertThat(commit.last()).isEqualTo(5);
            for (long number = 5; number >= 1; number--) {
                ChangeSet set = a.changeSet(new Dot(a.site(), number));
                assertThat(set.rows()).hasSizeLessThanOrEqualTo(ChangeCapture.PIECE);
                b.apply(List.of(set));
            }
            assertThat(table(b, "svc")).hasSize(2100).isEqualTo(table(a, "svc"));
        }
    }

    @Test
    void failedStatement_leavesNothing_ofItsTransaction() {
        try (SqliteReplica a = open("a", Trace.SQL)) {
            assertThatThrownBy(() -> a.transact(List.of(
                                    SqlStatement.of("INSERT INTO svc(id) VALUES (1)"),
                                    SqlStatement.of("INSERT INTO svc(id) VALUES (1)")))
                            .join())
                    .hasMessageContaining("UNIQUE");
            assertThat(table(a, "svc")).isEmpty();
            assertThat(run(a, "INSERT INTO svc(id) VALUES (2)")
                            .set()
                            .orElseThrow()
                            .rows())
                    .hasSize(1);
        }
    }

    @Test
    void statements_thatWriteElsewhere_areRefusedByName() {
        try (SqliteReplica a = open("a", Trace.SQL)) {
            for (String sql : List.of(
                    "DELETE FROM _allod_seen",
                    "INSERT INTO _allod_site VALUES (7, x'00')",
                    "DROP TABLE svc",
                    "PRAGMA synchronous = OFF",
                    "ATTACH 'x.db' AS x",
                    "COMMIT",
                    "DELETE FROM nothing",
                    "INSERT INTO svc(id) VALUES (1); DROP TABLE svc",
                    "")) {
                assertThatThrownBy(() -> run(a, sql)).as(sql).hasCauseInstanceOf(RejectedException.class);
            }
            assertThat(run(a, " /* ; */ INSERT INTO svc(id, name) VALUES (?, 'a;b') ; -- end", 1L)
                            .rows())
                    .containsExactly(1);
        }
    }

    @Test
    void wholeRow_withAVersionThatIsNotAbove_isRefused() {
        try (SqliteReplica a = open("a", Trace.SQL)) {
            String put = "INSERT OR REPLACE INTO machine VALUES ('web', 1, ?, ?, ?)";
            run(a, put, 1L, 5L, "started");
            assertThatThrownBy(() -> run(a, put, 1L, 5L, "stopped")).hasMessageContaining("(1, 5) is not above (1, 5)");
            assertThatThrownBy(() -> run(a, put, 0L, 9L, "stopped")).hasMessageContaining("not above");
            run(a, "DELETE FROM machine WHERE app = 'web'");
            assertThatThrownBy(() -> run(a, put, 1L, 5L, "started")).hasMessageContaining("not above");
            run(a, put, 2L, 1L, "started");
            assertThat(table(a, "machine")).hasSize(1);
        }
    }

    @Test
    void newColumn_sendsNothing_andHostsOfBothSchemasConverge() {
        String wide = Trace.SQL.replace("port INTEGER,", "port INTEGER, zone TEXT DEFAULT 'z', extra INTEGER,")
                + "CREATE TABLE later(id INTEGER NOT NULL PRIMARY KEY, v TEXT);";
        try (SqliteReplica old = open("old", Trace.SQL);
                SqliteReplica fresh = open("fresh", Trace.SQL);
                SqliteReplica third = open("third", Trace.SQL)) {
            List<ChangeSet> sets = new ArrayList<>();
            sets.add(run(old, "INSERT INTO svc(id, name) VALUES (1, 'one')")
                    .set()
                    .orElseThrow());
            fresh.apply(sets);
            long head = fresh.seen().head(fresh.site());
            fresh.applySchema(SchemaReader.read(wide));
            assertThat(fresh.seen().head(fresh.site())).isEqualTo(head);
            assertThat(fresh.missingFrom(old.seen())).isEmpty();
            // NULL is below the default in the order of values: it must win all the same.
            sets.add(run(fresh, "INSERT INTO svc(id, zone, extra) VALUES (2, NULL, 7)")
                    .set()
                    .orElseThrow());
            sets.add(run(fresh, "UPDATE svc SET extra = 3 WHERE id = 1").set().orElseThrow());
            sets.add(run(fresh, "INSERT INTO later VALUES (1, 'v')").set().orElseThrow());
            old.apply(sets);
            assertThat(table(old, "svc")).hasSize(2);
            // A host of the old schema passes on in a sync what it does not understand.
            third.merge(old.rows(old.missingFrom(new VersionVector()), new VersionVector()));
            third.claim(old.seen());
            for (SqliteReplica replica : List.of(old, third)) {
                replica.applySchema(SchemaReader.read(wide));
                assertThat(table(replica, "svc")).isEqualTo(table(fresh, "svc"));
                assertThat(table(replica, "later"))
                        .isEqualTo(table(fresh, "later"))
                        .hasSize(1);
            }
            assertThat(table(third, "svc").get(RowKey.of(2L)).get("zone")).isNull();
        }
    }

    @Test
    void schemaChanges_thatAreNotAdditive_areRefusedAndChangeNothing() {
        try (SqliteReplica a = open("a", Trace.SQL)) {
            for (String other : List.of(
                    "CREATE TABLE svc(id INTEGER NOT NULL PRIMARY KEY, name TEXT);",
                    Trace.SQL.replace("name TEXT", "name INTEGER"),
                    Trace.SQL.replace("-- whole-row", ""),
                    Trace.SQL.replace("PRIMARY KEY(a, b)", "PRIMARY KEY(b, a)"))) {
                assertThatThrownBy(() -> a.applySchema(SchemaReader.read(other)))
                        .isInstanceOf(RejectedException.class)
                        .hasMessageContaining("refused");
            }
            assertThat(a.schema().tables()).isEqualTo(Trace.SCHEMA.tables());
        }
    }

    /** A peer that has another idea of a table, or means ill, stops nobody: its rows wait, what comes with them is applied. */
    @Test
    void rowsThatDoNotFit_waitAndHoldUpNothing() {
        SiteId peer = Trace.sites(1).getFirst();
        Dot dot = new Dot(peer, 1);
        RowState.Cells cells = new RowState.Cells(1, dot, new TreeMap<>());
        RowState.Register register = new RowState.Register(1, 1, false, new TreeMap<>(), dot);
        try (SqliteReplica a = open("a", Trace.SQL.replace("port INTEGER", "port INTEGER NOT NULL DEFAULT 80"))) {
            run(a, "INSERT INTO tag VALUES ('kept', 1)");
            a.apply(List.of(new ChangeSet(
                    dot,
                    List.of(
                            new RowChange("tag", RowKey.of("kept"), cells),
                            new RowChange("tag", RowKey.of("kept", 1L, 2L), cells),
                            new RowChange("tag", RowKey.of("null", null), cells),
                            new RowChange("svc", RowKey.of("not a number"), cells),
                            new RowChange("svc", RowKey.of(1L), register),
                            new RowChange("nowhere", RowKey.of(1L), cells),
                            new RowChange(
                                    "svc",
                                    RowKey.of(7L),
                                    new RowState.Cells(
                                            1,
                                            dot,
                                            new TreeMap<>(java.util.Map.of("port", new Cell(null, 1, dot)))))))));
            assertThat(a.seen().contains(dot)).isTrue();
            assertThat(table(a, "tag")).hasSize(1);
            assertThat(table(a, "svc")).hasSize(1);
            assertThat(table(a, "svc").get(RowKey.of(7L))).containsEntry("port", 80L);
        }
    }

    @Test
    void schemas_thatWritersCannotKeep_areRefusedByName() {
        for (String sql : List.of(
                "CREATE TABLE t(a TEXT)",
                "CREATE TABLE t(a TEXT PRIMARY KEY)",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY, b TEXT UNIQUE)",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY, b TEXT NOT NULL)",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY, b TEXT DEFAULT CURRENT_TIMESTAMP)",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY, b INTEGER CHECK (b > 1))",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY COLLATE NOCASE)",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY) STRICT",
                "CREATE TABLE t(-- whole-row\n a TEXT NOT NULL PRIMARY KEY)",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY); CREATE UNIQUE INDEX i ON t(a)",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY); INSERT INTO t VALUES ('x')",
                "CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t",
                "CREATE TABLE _allod_t(a TEXT NOT NULL PRIMARY KEY)",
                "CREATE TABLE p(a TEXT NOT NULL PRIMARY KEY); CREATE TABLE t(a TEXT NOT NULL PRIMARY KEY REFERENCES p(a))",
                "CREATE TABLE")) {
            assertThatThrownBy(() -> SchemaReader.read(sql)).as(sql).isInstanceOf(RejectedException.class);
        }
    }

    /** The triggers call tables by number, and a new table moves the numbers: no write may be taken for another table's. */
    @Test
    void schemaChange_amongWrites_mistakesNoTableForAnother() {
        try (SqliteReplica a = open("a", Trace.SQL);
                SqliteReplica b = open("b", Trace.SQL)) {
            StringBuilder schema = new StringBuilder(Trace.SQL);
            List<CompletableFuture<LocalCommit>> commits = new ArrayList<>();
            for (long round = 0; round < 25; round++) {
                schema.append("CREATE TABLE a%02d(id INTEGER NOT NULL PRIMARY KEY, v TEXT);".formatted(round));
                ReplicatedSchema next = SchemaReader.read(schema.toString());
                CompletableFuture<Void> change = CompletableFuture.runAsync(() -> a.applySchema(next));
                for (long i = 0; i < 40; i++) {
                    commits.add(a.transact(List.of(
                            SqlStatement.of("INSERT INTO svc(id, port) VALUES (?, 1)", round * 40 + i),
                            SqlStatement.of("INSERT INTO tag VALUES ('t', ?)", round * 40 + i))));
                }
                change.join();
            }
            commits.forEach(c -> b.apply(List.of(c.join().set().orElseThrow())));
            for (String table : List.of("svc", "tag")) {
                assertThat(table(b, table)).hasSize(1000).isEqualTo(table(a, table));
            }
            assertThat(a.missingFrom(b.seen())).isEmpty();
        }
    }
}
