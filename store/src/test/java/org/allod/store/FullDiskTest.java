package org.allod.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** A database whose disk is full, and has a reserve: on a small file system in memory, which needs root. */
class FullDiskTest {
    private static final Schema NOTES = new Schema("notes", List.of(List.of("CREATE TABLE note(x BLOB)")));
    /** A log of 400 pages, so a reserve of some 5.6 MB. */
    private static final DatabaseOptions SMALL = new DatabaseOptions(64, 16, 1, 400);

    @TempDir
    Path dir;

    @BeforeEach
    void mount() throws Exception {
        run("mount", "-t", "tmpfs", "-o", "size=48m", "allod-test", dir.toString());
    }

    @AfterEach
    void unmount() throws Exception {
        run("umount", dir.toString());
    }

    private static void run(String... command) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    private Database open(DatabaseOptions options) {
        return Database.open(dir.resolve("t.db"), options, List.of(NOTES));
    }

    /** Takes all that is free, as a guest or a neighbour of the daemon would. */
    private void fill() throws IOException {
        byte[] piece = new byte[4096];
        try (OutputStream out = Files.newOutputStream(dir.resolve("ballast"))) {
            while (true) {
                out.write(piece);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left");
        }
    }

    private static void write(Database db) {
        db.write(tx -> tx.update("INSERT INTO note VALUES (randomblob(3000))"));
    }

    private static long count(Database db) {
        return db.read(
                tx -> tx.first("SELECT count(*) FROM note", r -> r.getLong(1)).orElseThrow());
    }

    /** Writes until the disk refuses; how many were taken. */
    private static int writeAll(Database db) {
        for (int written = 0; written < 20_000; written++) {
            try {
                write(db);
            } catch (FailedException e) {
                assertThat(e).hasMessageContaining("the disk is full");
                return written;
            }
        }
        throw new AssertionError("the disk is not full");
    }

    @Test
    void write_onAFullDisk_rollsBackAndGoesOnWithSpace() throws IOException {
        try (Database db = open(SMALL)) {
            assertThat(db.refillReserve()).isTrue();
            write(db);
            fill();
            // As soon as it cannot go on without, the reserve is given up, and there is room for what frees the rest.
            int written = writeAll(db);
            assertThat(db.reserveHeld()).isFalse();
            assertThat(db.reserveGivenUp()).isEqualTo(1);
            assertThat(written).isGreaterThan(1_000);
            assertThat(count(db)).isEqualTo(1 + written);

            Files.delete(dir.resolve("ballast"));
            write(db);
            assertThat(count(db)).isEqualTo(2 + written);
            assertThat(db.refillReserve()).isTrue();
        }
        try (Database db = open(SMALL)) {
            assertThat(count(db)).isGreaterThan(1_000);
        }
    }

    @Test
    void open_onAFullDisk_hasTheReserveForItsLog() throws IOException {
        try (Database db = open(SMALL)) {
            assertThat(db.refillReserve()).isTrue();
            write(db);
        }
        assertThat(dir.resolve("t.db-wal")).doesNotExist();
        fill();
        try (Database db = open(SMALL)) {
            assertThat(count(db)).isEqualTo(1);
            write(db);
            assertThat(count(db)).isEqualTo(2);
            assertThat(db.refillReserve()).as("there is no room for one").isFalse();
        }
    }

    @Test
    void reserve_onADiskWithLittleRoom_isNotMade() throws IOException {
        Files.write(dir.resolve("ballast"), new byte[32 << 20]);
        try (Database db = open(SMALL)) {
            assertThat(db.refillReserve()).isFalse();
            assertThat(dir.resolve("t.db.reserve")).doesNotExist();
        }
    }

    /** SQLite grows the log's index after it has flushed the log: it must have its space by then. */
    @Test
    void write_whoseLogOutgrowsItsIndex_isNotInDoubt() throws IOException {
        try (Database db = open(new DatabaseOptions(64, 16, 1, 6_000))) {
            db.write(tx -> tx.update("INSERT INTO note VALUES (zeroblob(4000000))"));
            fill();
            for (int i = 0; i < 4; i++) {
                db.write(tx -> tx.update("UPDATE note SET x = randomblob(4000000)"));
            }
            assertThat(count(db)).isEqualTo(1);
        }
    }

    @Test
    void failedFlush_isToldToWhoeverEndsTheDaemon() throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        Transactions.Commit dying = tx -> {
            throw new SQLiteException("planted", SQLiteErrorCode.SQLITE_IOERR_FSYNC);
        };
        try (Database db = Database.open(dir.resolve("t.db"), SMALL, List.of(NOTES), dying)) {
            db.whenLost(lost -> told.countDown());
            assertThatThrownBy(() -> write(db)).isInstanceOf(DurabilityLost.class);
            assertThat(told.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void fullDisk_thatIsMetAtTheCommit_rollsBackAndGoesOn() throws Exception {
        boolean[] full = {true};
        Transactions.Commit commit = tx -> {
            if (full[0]) {
                throw new SQLiteException("planted", SQLiteErrorCode.SQLITE_FULL);
            }
            commit(tx);
        };
        try (Database db = Database.open(dir.resolve("t.db"), SMALL, List.of(NOTES), commit)) {
            assertThatThrownBy(() -> write(db))
                    .isInstanceOf(FailedException.class)
                    .hasMessageContaining("the disk is full");
            full[0] = false;
            write(db);
            assertThat(count(db)).isEqualTo(1);
        }
    }

    private static void commit(Transaction tx) throws SQLException {
        Transactions.commit(tx);
    }

    /** A batch that a defect of one piece breaks up is written piece by piece: each may need the reserve. */
    @Test
    void write_ofABatchThatIsBrokenUp_hasTheReserveToo() throws Exception {
        try (Database db = open(SMALL)) {
            assertThat(db.refillReserve()).isTrue();
            write(db);
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch go = new CountDownLatch(1);
            Thread first = Thread.ofPlatform()
                    .start(() -> db.write(tx -> {
                        begun.countDown();
                        try {
                            go.await();
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                        return 0;
                    }));
            assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
            int[] tries = {0};
            var planted = db.submit(tx -> {
                throw new IllegalStateException("planted");
            });
            var large = db.submit(tx -> {
                // The batch has ended before it: it is by itself when the disk is found full, once.
                if (tries[0]++ == 0) {
                    throw new SQLiteException("planted", SQLiteErrorCode.SQLITE_FULL);
                }
                return tx.update("INSERT INTO note VALUES (randomblob(3000))");
            });
            go.countDown();
            first.join();
            assertThat(planted).isNotNull();
            assertThat(large.get(10, TimeUnit.SECONDS)).isEqualTo(1);
            assertThat(db.reserveGivenUp()).isEqualTo(1);
        }
    }
}
