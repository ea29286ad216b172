package org.allod.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.FailedException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** A virtual thread that is alone commits its own writes; nothing else about a write may differ for that. */
class SingleWriterTest {
    private static final Schema NOTES =
            new Schema("notes", List.of(List.of("CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT UNIQUE)")));

    @TempDir
    Path dir;

    @BeforeAll
    static void twoCarriers() {
        assumeThat(Runtime.getRuntime().availableProcessors())
                .as("with one processor nobody commits on a thread of its own")
                .isGreaterThan(1);
    }

    private Database open(Transactions.Commit commit) {
        return Database.open(dir.resolve("t.db"), DatabaseOptions.defaults(), List.of(NOTES), commit);
    }

    private static Thread insert(Database db, String text) {
        return db.write(tx -> {
            tx.update("INSERT INTO note(text) VALUES (?)", text);
            return Thread.currentThread();
        });
    }

    private static long count(Database db) {
        return db.read(tx ->
                tx.first("SELECT count(*) FROM note", row -> row.getLong(1)).orElseThrow());
    }

    private static <T> T onVirtualThread(java.util.concurrent.Callable<T> body) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                result.complete(body.call());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        return result.get(30, TimeUnit.SECONDS);
    }

    @Test
    void write_afterBatchOfOne_isCommittedByItsCaller() throws Exception {
        try (Database db = open(Transactions::commit)) {
            List<Thread> committers = onVirtualThread(() -> {
                Thread first = insert(db, "a");
                Thread second = insert(db, "b");
                return List.of(first, second, Thread.currentThread());
            });
            assertThat(committers.get(0).getName()).startsWith("store-writer");
            assertThat(committers.get(1)).isSameAs(committers.get(2));
            assertThat(insert(db, "from a platform thread").getName()).startsWith("store-writer");
            assertThat(count(db)).isEqualTo(3);
        }
    }

    @Test
    void write_throws_onlyThatOneFails() throws Exception {
        try (Database db = open(Transactions::commit)) {
            onVirtualThread(() -> {
                insert(db, "a");
                insert(db, "b");
                assertThatThrownBy(() -> insert(db, "a"))
                        .isInstanceOf(FailedException.class)
                        .hasMessageContaining("UNIQUE");
                return insert(db, "c");
            });
            assertThat(count(db)).isEqualTo(3);
        }
    }

    @Test
    void write_flushFails_failsItAndEveryLaterWrite() throws Exception {
        AtomicInteger commits = new AtomicInteger();
        try (Database db = open(tx -> {
            if (commits.incrementAndGet() == 2) {
                throw new SQLiteException("disk I/O error", SQLiteErrorCode.SQLITE_IOERR_FSYNC);
            }
            Transactions.commit(tx);
        })) {
            onVirtualThread(() -> {
                insert(db, "a");
                assertThatThrownBy(() -> insert(db, "b")).isInstanceOf(DurabilityLost.class);
                return assertThatThrownBy(() -> insert(db, "c")).isInstanceOf(DurabilityLost.class);
            });
            assertThatThrownBy(() -> insert(db, "d")).isInstanceOf(DurabilityLost.class);
            assertThat(commits).hasValue(2);
        }
    }

    @Test
    void listeners_eachWritesAgain_doNotGrowTheStack() throws Exception {
        CompletableFuture<Integer> end = new CompletableFuture<>();
        // A stack of one write in another would overflow long before; without waiting for the disk that often.
        try (Database db = open(Transactions::commit)) {
            onVirtualThread(() -> {
                insert(db, "a");
                again(db, 0, end);
                return true;
            });
            assertThat(end.get(60, TimeUnit.SECONDS)).isLessThan(200);
        }
    }

    /** Completes with the deepest stack seen in a chain of 300 writes. */
    private static void again(Database db, int n, CompletableFuture<Integer> end) {
        int depth = new Throwable().getStackTrace().length;
        if (n == 300 || depth >= 200) {
            end.complete(depth);
            return;
        }
        db.submit(tx -> tx.update("INSERT INTO note(text) VALUES (?)", "n" + n), new WriteCallback<Integer>() {
            @Override
            public void durable(Integer rows) {
                again(db, n + 1, end);
            }

            @Override
            public void failed(Throwable why) {
                end.completeExceptionally(why);
            }
        });
    }

    @Test
    void close_whileOthersWrite_keepsExactlyWhatWasAcknowledged() throws Exception {
        AtomicInteger acknowledged = new AtomicInteger();
        Database db = open(Transactions::commit);
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            String name = "w" + i + "-";
            writers.add(Thread.ofVirtual().start(() -> {
                for (int n = 0; n < 100_000; n++) {
                    try {
                        insert(db, name + n);
                        acknowledged.incrementAndGet();
                    } catch (FailedException closed) {
                        return;
                    }
                }
            }));
        }
        while (acknowledged.get() < 50) {
            Thread.sleep(1);
        }
        db.close();
        for (Thread writer : writers) {
            writer.join();
        }
        try (Database again = open(Transactions::commit)) {
            assertThat(count(again)).isEqualTo(acknowledged.get());
        }
    }
}
