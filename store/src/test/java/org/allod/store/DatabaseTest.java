package org.allod.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.FailedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

class DatabaseTest {
    private static final Schema NOTES = new Schema(
            "notes", List.of(List.of("CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)")));

    @TempDir
    Path dir;

    private Database open() {
        return Database.open(dir.resolve("t.db"), DatabaseOptions.defaults(), List.of(NOTES));
    }

    private static TransactionBody<Integer> insert(String text) {
        return tx -> tx.update("INSERT INTO note(text) VALUES (?)", text);
    }

    private static long count(Database db) {
        return db.read(tx ->
                tx.first("SELECT count(*) FROM note", row -> row.getLong(1)).orElseThrow());
    }

    @Test
    void options_defaults_areThese() {
        assertThat(DatabaseOptions.defaults()).isEqualTo(new DatabaseOptions(8192, 512, 2, 4000));
    }

    @Test
    void write_thenReopen_isThere() {
        try (Database db = open()) {
            assertThat(db.write(insert("a"))).isEqualTo(1);
            assertThat(count(db)).isEqualTo(1);
        }
        try (Database db = open()) {
            assertThat(count(db)).isEqualTo(1);
        }
    }

    @Test
    void connection_always_isWalAndFull() {
        try (Database db = open()) {
            assertThat(db.<String>write(tx ->
                            tx.first("PRAGMA journal_mode", r -> r.getString(1)).orElseThrow()))
                    .isEqualTo("wal");
            assertThat(db.<Integer>write(tx ->
                            tx.first("PRAGMA synchronous", r -> r.getInt(1)).orElseThrow()))
                    .isEqualTo(2);
        }
    }

    @Test
    void releaseMemory_losesNothing() {
        try (Database db = open()) {
            assertThat(db.write(insert("before"))).isEqualTo(1);
            db.releaseMemory();
            db.releaseMemory();
            assertThat(db.write(insert("after"))).isEqualTo(1);
            assertThat(count(db)).isEqualTo(2);
        }
    }

    @Test
    void read_triesToWrite_isRefused() {
        try (Database db = open()) {
            assertThatThrownBy(() -> db.read(insert("a")))
                    .isInstanceOf(FailedException.class)
                    .hasMessageContaining("reading");
        }
    }

    /** Makes a batch of exactly these by holding the writer while they queue up. */
    private static List<CompletableFuture<Integer>> batch(Database db, List<TransactionBody<Integer>> works)
            throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch held = new CountDownLatch(1);
        CompletableFuture<Integer> first = db.submit(tx -> {
            try {
                held.countDown();
                hold.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return 0;
        });
        // Only once the writer is at the first are the others sure to be a batch of their own.
        assertThat(held.await(20, TimeUnit.SECONDS)).isTrue();
        List<CompletableFuture<Integer>> results =
                works.stream().map(db::submit).toList();
        hold.countDown();
        first.get(20, TimeUnit.SECONDS);
        return results;
    }

    @Test
    void batch_oneTaskThrows_onlyThatOneFails() throws Exception {
        try (Database db = open()) {
            db.write(insert("taken"));
            var results = batch(
                    db,
                    List.of(
                            insert("a"),
                            insert("taken"),
                            insert("b"),
                            tx -> {
                                throw new IllegalStateException("mine");
                            },
                            insert("c")));

            assertThat(results.get(0).get()).isEqualTo(1);
            assertThat(results.get(2).get()).isEqualTo(1);
            assertThat(results.get(4).get()).isEqualTo(1);
            assertThatThrownBy(results.get(1)::join)
                    .hasCauseInstanceOf(FailedException.class)
                    .hasMessageContaining("UNIQUE");
            assertThatThrownBy(results.get(3)::join).hasRootCauseMessage("mine");
            assertThat(count(db)).isEqualTo(4);
        }
    }

    @Test
    void writes_concurrent_shareCommits() throws Exception {
        AtomicInteger commits = new AtomicInteger();
        try (Database db = Database.open(dir.resolve("t.db"), DatabaseOptions.defaults(), List.of(NOTES), tx -> {
            commits.incrementAndGet();
            Transactions.commit(tx);
        })) {
            List<TransactionBody<Integer>> works = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                works.add(insert("n" + i));
            }
            for (CompletableFuture<Integer> result : batch(db, works)) {
                assertThat(result.get(20, TimeUnit.SECONDS)).isEqualTo(1);
            }
            // 1000 in batches of at most 512, and the one that held them up.
            assertThat(commits.get()).isBetween(3, 4);
            assertThat(count(db)).isEqualTo(1000);
        }
    }

    @Test
    void commit_flushFails_failsTheBatchAndEveryLaterWrite() throws Exception {
        AtomicInteger commits = new AtomicInteger();
        try (Database db = Database.open(dir.resolve("t.db"), DatabaseOptions.defaults(), List.of(NOTES), tx -> {
            if (commits.incrementAndGet() == 2) {
                throw new SQLiteException("disk I/O error", SQLiteErrorCode.SQLITE_IOERR_FSYNC);
            }
            Transactions.commit(tx);
        })) {
            var results = batch(db, List.of(insert("a"), insert("b")));

            for (CompletableFuture<Integer> result : results) {
                assertThatThrownBy(result::join)
                        .isInstanceOf(CompletionException.class)
                        .hasCauseInstanceOf(DurabilityLost.class)
                        .hasMessageContaining("in doubt");
            }
            assertThatThrownBy(() -> db.write(insert("c"))).isInstanceOf(DurabilityLost.class);
            assertThat(commits).hasValue(2);
            assertThat(count(db)).isZero();
        }
    }

    @Test
    void open_newerFile_isRefusedSayingBothVersions() {
        try (Database db = open()) {
            db.write(tx -> tx.update("UPDATE schema_version SET version = 7"));
        }
        assertThatThrownBy(this::open)
                .isInstanceOf(FailedException.class)
                .hasMessageContainingAll("'notes'", "version 7", "up to 1", "t.db");
    }

    @Test
    void open_olderFile_isMigratedOnceAndKeepsItsRows() {
        try (Database db = open()) {
            db.write(insert("old"));
        }
        Schema second = new Schema(
                "notes",
                List.of(NOTES.migrations().get(0), List.of("ALTER TABLE note ADD COLUMN stars INTEGER DEFAULT 3")));
        for (int i = 0; i < 2; i++) {
            try (Database db = Database.open(dir.resolve("t.db"), DatabaseOptions.defaults(), List.of(second))) {
                assertThat(db.<Integer>read(tx -> tx.first("SELECT stars FROM note", r -> r.getInt(1))
                                .orElseThrow()))
                        .isEqualTo(3);
            }
        }
    }

    @Test
    void open_migrationFails_leavesTheFileAsItWas() {
        Schema bad = new Schema("notes", List.of(List.of("CREATE TABLE one(x)", "CREATE TABEL two(x)")));
        Path file = dir.resolve("t.db");
        assertThatThrownBy(() -> Database.open(file, DatabaseOptions.defaults(), List.of(bad)))
                .isInstanceOf(FailedException.class);
        try (Database db = open()) {
            assertThat(db.<Long>read(
                            tx -> tx.first("SELECT count(*) FROM sqlite_schema WHERE name = 'one'", r -> r.getLong(1))
                                    .orElseThrow()))
                    .isZero();
        }
    }

    @Test
    void open_twoComponents_haveVersionsOfTheirOwn() {
        Schema other = new Schema("other", List.of(List.of("CREATE TABLE o1(x)"), List.of("CREATE TABLE o2(x)")));
        try (Database db = Database.open(dir.resolve("t.db"), DatabaseOptions.defaults(), List.of(NOTES, other))) {
            assertThat(db.<List<String>>read(tx ->
                            tx.list("SELECT component || version FROM schema_version ORDER BY 1", r -> r.getString(1))))
                    .containsExactly("notes1", "other2");
        }
    }

    @Test
    void open_damagedFile_saysSo() throws IOException {
        Path file = dir.resolve("t.db");
        Files.writeString(file, "this is no database, but it is long enough to look at. ".repeat(100));
        assertThatThrownBy(this::open)
                .isInstanceOf(FailedException.class)
                .hasMessageContainingAll("t.db", "damaged or not a database");
    }

    @Test
    void open_noSuchFolder_saysSo() {
        assertThatThrownBy(() -> Database.open(dir.resolve("no/such/t.db"), DatabaseOptions.defaults(), List.of(NOTES)))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("check that the folder exists");
    }

    @Test
    void write_afterClose_fails() {
        Database db = open();
        db.close();
        assertThatThrownBy(() -> db.write(insert("a")))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("closed");
        assertThatThrownBy(() -> db.read(insert("a")))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void close_writesQueued_areDurableFirst() throws Exception {
        Database db = open();
        List<CompletableFuture<Integer>> results = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            results.add(db.submit(insert("n" + i)));
        }
        db.close();
        for (CompletableFuture<Integer> result : results) {
            assertThat(result.get(10, TimeUnit.SECONDS)).isEqualTo(1);
        }
        try (Database again = open()) {
            assertThat(count(again)).isEqualTo(100);
        }
    }

    @Test
    void write_virtualThreads_doNotHoldTheirCarriers() throws Exception {
        try (Database db = open()) {
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                String text = "v" + i;
                threads.add(Thread.ofVirtual().start(() -> db.write(insert(text))));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(count(db)).isEqualTo(2000);
        }
    }

    @Test
    void log_ofKilledProcess_isNotOverwrittenByMakingSpace() throws Exception {
        Path copy = dir.resolve("copy");
        Files.createDirectory(copy);
        try (Database db = open()) {
            db.write(insert("only in the log"));
            // What a killed process leaves: the files as they are now.
            for (String name : List.of("t.db", "t.db-wal")) {
                Files.copy(dir.resolve(name), copy.resolve(name));
            }
        }
        try (Database db = Database.open(copy.resolve("t.db"), DatabaseOptions.defaults(), List.of(NOTES))) {
            assertThat(count(db)).isEqualTo(1);
        }
    }

    @Test
    void sqlErrors_codes_areTold() throws SQLException {
        Map<SQLiteErrorCode, String> told = Map.of(
                SQLiteErrorCode.SQLITE_FULL, "the disk is full",
                SQLiteErrorCode.SQLITE_BUSY, "second daemon",
                SQLiteErrorCode.SQLITE_READONLY, "read-only",
                SQLiteErrorCode.SQLITE_CORRUPT, "damaged");
        told.forEach((code, text) -> assertThat(
                        SqliteErrors.failed("writing to", Path.of("x.db"), new SQLiteException("m", code)))
                .hasMessageContainingAll("writing to x.db", text));
        assertThat(SqliteErrors.harmless(new SQLiteException("m", SQLiteErrorCode.SQLITE_FULL)))
                .isTrue();
        assertThat(SqliteErrors.harmless(new SQLiteException("m", SQLiteErrorCode.SQLITE_IOERR_WRITE)))
                .isFalse();
    }
}
