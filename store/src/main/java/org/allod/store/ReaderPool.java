package org.allod.store;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/** A few reader threads, each with its own connection and so its own snapshot of the file. */
final class ReaderPool {
    /** How many reads may wait; further callers block. A read takes well under a millisecond. */
    private static final int QUEUE = 1024;

    static final TransactionBody<Integer> RELEASE_MEMORY = tx -> tx.update("PRAGMA shrink_memory");

    /** For how long a reader waits until the others are there too. */
    private static final int MEETING_MILLIS = 200;

    private record Read<T extends @Nullable Object>(TransactionBody<T> body, CompletableFuture<T> result) {}

    private final Path file;
    private final BlockingQueue<Read<?>> queue = new ArrayBlockingQueue<>(QUEUE);
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean closing;

    ReaderPool(Path file, List<Transaction> connections) {
        this.file = file;
        for (int i = 0; i < connections.size(); i++) {
            Transaction tx = connections.get(i);
            threads.add(Thread.ofPlatform()
                    .daemon()
                    .name("store-reader-" + file.getFileName() + "-" + i)
                    .start(() -> serve(tx)));
        }
    }

    <T extends @Nullable Object> CompletableFuture<T> submit(TransactionBody<T> body) {
        CompletableFuture<T> result = new CompletableFuture<>();
        if (closing) {
            result.completeExceptionally(closed());
            return result;
        }
        try {
            queue.put(new Read<>(body, result));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            result.completeExceptionally(new FailedException("reading " + file + ": interrupted", e));
        }
        return result;
    }

    /** On each thread's own connection: none takes two, since each waits until all have one. A busy one is passed over. */
    void releaseMemory() {
        CountDownLatch meeting = new CountDownLatch(threads.size());
        List<CompletableFuture<Integer>> all = new ArrayList<>();
        for (int i = 0; i < threads.size(); i++) {
            all.add(submit(tx -> {
                int freed = RELEASE_MEMORY.run(tx);
                meeting.countDown();
                try {
                    boolean _ = meeting.await(MEETING_MILLIS, TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return freed;
            }));
        }
        all.forEach(CompletableFuture::join);
    }

    private FailedException closed() {
        return new FailedException("reading " + file + ": the database is closed");
    }

    private void serve(Transaction tx) {
        try {
            while (!closing) {
                answer(tx, queue.take());
            }
        } catch (InterruptedException e) {
            // close() interrupts, which ends the thread.
        }
    }

    private <T extends @Nullable Object> void answer(Transaction tx, Read<T> read) {
        try {
            tx.prepared("BEGIN").execute();
            T result;
            try {
                result = read.body.run(tx);
            } finally {
                Transactions.rollback(tx);
            }
            read.result.complete(result);
        } catch (SQLException e) {
            tx.forget();
            read.result.completeExceptionally(SqliteErrors.failed("reading", file, e));
        } catch (RuntimeException | Error e) {
            read.result.completeExceptionally(e);
        }
    }

    void close() {
        closing = true;
        threads.forEach(Thread::interrupt);
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        List<Read<?>> rest = new ArrayList<>();
        queue.drainTo(rest);
        rest.forEach(r -> r.result.completeExceptionally(closed()));
    }
}
