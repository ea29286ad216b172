package org.allod.store;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.allod.base.FailedException;
import org.jspecify.annotations.Nullable;

/**
 * The one connection that writes, and the group commit.
 *
 * <p>The thread that holds {@link #writeLock} takes the waiting writes (at most a batch), runs them in one transaction
 * and commits: one flush for all. If one of them throws, the whole batch is rolled back and the writes are repeated one
 * by one, each in its own transaction, so that only the faulty one fails. That costs a flush for each, but it is rare,
 * and the common path needs no savepoints. If the commit itself fails and it is unknown what the disk holds, the writer
 * breaks: every waiting and later write fails with {@link DurabilityLost}.
 *
 * <p><b>Who commits.</b> While writes arrive together, a thread of this class commits them. It delivers the outcomes of
 * a batch on a virtual thread, so that the next batch begins at once. For a lone caller, however, waking that thread
 * and being woken by it costs more than the flush. So after a batch of one write, a virtual thread that finds the lock
 * free and the queue empty commits its own write, and its callback runs before {@link #submit} returns. Writes that
 * queue up meanwhile are left to the thread; they make a larger batch, after which callers queue again. The foreign
 * calls pin the caller's carrier for one commit. That happens to one virtual thread at a time, since there is one lock,
 * and only if there is a second carrier for the others (docs/decisions/010).
 */
final class GroupCommitWriter implements Runnable {
    private static final System.Logger LOG = System.getLogger(GroupCommitWriter.class.getName());

    /** Bound while this thread runs the callback of a write that it committed itself. */
    private static final ScopedValue<Boolean> DELIVERING = ScopedValue.newInstance();
    /** Whether virtual threads can run while one of them pins its carrier. */
    private static final boolean SECOND_CARRIER = Integer.getInteger(
                    "jdk.virtualThreadScheduler.parallelism",
                    Runtime.getRuntime().availableProcessors())
            > 1;

    private final Path file;
    private final Transaction tx;
    private final Transactions.Commit commit;
    private final WalCheckpointer checkpointer;
    /** Frees space on a full disk; false if it has none to free. */
    private final BooleanSupplier emergency;

    private final int batchSize;
    private final BlockingQueue<PendingWrite<?>> queue;
    private final Thread thread;
    /** Held from taking writes until their outcome is known, never while callbacks run. Guards {@link #tx}. */
    private final ReentrantLock writeLock = new ReentrantLock();
    /** Whether the last batch had one write, so that the next caller is probably alone too. */
    private volatile boolean lone;

    private volatile boolean idle;
    private boolean ended;
    private volatile boolean closing;
    private volatile @Nullable DurabilityLost broken;
    private volatile @Nullable Consumer<DurabilityLost> onLost;

    GroupCommitWriter(
            Path file,
            Transaction tx,
            DatabaseOptions options,
            Transactions.Commit commit,
            WalCheckpointer checkpointer,
            BooleanSupplier emergency) {
        this.file = file;
        this.tx = tx;
        this.commit = commit;
        this.checkpointer = checkpointer;
        this.emergency = emergency;
        this.batchSize = options.batch();
        this.queue = new ArrayBlockingQueue<>(options.queue());
        this.thread =
                Thread.ofPlatform().name("store-writer-" + file.getFileName()).unstarted(this);
    }

    void start() {
        thread.start();
    }

    /**
     * Queues a write, blocking while the queue is full, or commits it at once. Its callback runs exactly once.
     */
    void submit(PendingWrite<?> task) {
        Throwable refusal = refusal();
        if (refusal != null) {
            task.fail(refusal);
            return;
        }
        if (lone && mayCommit() && commitAlone(task)) {
            return;
        }
        try {
            queue.put(task);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            task.fail(
                    new FailedException("writing to " + file + ": interrupted while waiting for room in the queue", e));
            return;
        }
        wake();
        // The writer may have ended between the check and the put; then only this thread can fail the write.
        if (!thread.isAlive() && queue.remove(task)) {
            task.fail(closed());
        }
    }

    /**
     * Platform threads always queue: they are few, and others wait for them (timers). So do callbacks of a write that
     * was committed here, since a chain of writes would otherwise grow the stack without bound.
     */
    private static boolean mayCommit() {
        return SECOND_CARRIER && Thread.currentThread().isVirtual() && !DELIVERING.isBound();
    }

    /** Commits the write on this thread; false if another thread writes or waits to. */
    private boolean commitAlone(PendingWrite<?> task) {
        if (!writeLock.tryLock()) {
            return false;
        }
        try {
            if (ended || !queue.isEmpty()) {
                return false;
            }
            write(List.of(task));
        } finally {
            writeLock.unlock();
        }
        ScopedValue.where(DELIVERING, true).run(task::tell);
        return true;
    }

    private @Nullable Throwable refusal() {
        DurabilityLost lost = broken;
        return lost != null ? lost : closing ? closed() : null;
    }

    private FailedException closed() {
        return new FailedException("writing to " + file + ": the database is closed");
    }

    @Override
    public void run() {
        boolean last = false;
        while (!last && awaitWork()) {
            List<PendingWrite<?>> batch = new ArrayList<>();
            writeLock.lock();
            try {
                queue.drainTo(batch, batchSize);
                last = batch.remove(PendingWrite.CLOSE);
                if (!batch.isEmpty()) {
                    lone = batch.size() == 1;
                    write(batch);
                }
            } finally {
                writeLock.unlock();
            }
            PendingWrite.deliver(batch);
        }
        writeLock.lock();
        try {
            ended = true;
        } finally {
            writeLock.unlock();
        }
        failWaiting();
    }

    /** Waits until something is queued; false if this thread is interrupted. */
    private boolean awaitWork() {
        while (queue.isEmpty()) {
            if (Thread.interrupted()) {
                LOG.log(System.Logger.Level.WARNING, "the writer of {0} was interrupted", file);
                return false;
            }
            // A caller that queues a write either sees this flag, or its write is seen by the check below.
            idle = true;
            if (queue.isEmpty()) {
                LockSupport.park(this);
            }
            idle = false;
        }
        return true;
    }

    private void wake() {
        if (idle) {
            LockSupport.unpark(thread);
        }
    }

    /** Makes the batch durable and sets the outcome of each write. Call with the lock held. */
    private void write(List<PendingWrite<?>> batch) {
        DurabilityLost lost = broken;
        if (lost != null) {
            batch.forEach(t -> t.settle(lost));
            return;
        }
        try {
            commitGroup(batch);
            checkpoint();
        } catch (DurabilityLost e) {
            breakDown(e);
            batch.forEach(t -> t.settle(e));
        } catch (RuntimeException | Error e) {
            // A defect. If it ended the thread, every later write would wait for ever.
            DurabilityLost unknown = new DurabilityLost("writing to " + file + " failed for no known reason: " + e, e);
            breakDown(unknown);
            batch.forEach(t -> t.settle(unknown));
        }
    }

    /** What was committed stays so, whatever comes of this. */
    private void checkpoint() {
        if (broken != null) {
            return;
        }
        try {
            checkpointer.runIfDue();
        } catch (SQLException e) {
            tx.forget();
            if (!SqliteErrors.harmless(e)) {
                breakDown(new DurabilityLost(
                        "copying the log of %s into it: %s. The log has every change; but the disk fails, so nothing more is written; check the disk and restart"
                                .formatted(file, e.getMessage()),
                        e));
            }
        }
    }

    private void breakDown(DurabilityLost lost) {
        broken = lost;
        LOG.log(System.Logger.Level.ERROR, lost.getMessage(), lost);
        Consumer<DurabilityLost> callback = onLost;
        if (callback != null) {
            callback.accept(lost);
        }
    }

    /** Sets what to call, on the writing thread, when the writer breaks. */
    void whenLost(Consumer<DurabilityLost> callback) {
        onLost = callback;
        DurabilityLost lost = broken;
        if (lost != null) {
            callback.accept(lost);
        }
    }

    private void commitGroup(List<PendingWrite<?>> batch) {
        try {
            Transactions.begin(tx);
            for (PendingWrite<?> task : batch) {
                task.run(tx);
            }
            commit.commit(tx);
        } catch (SQLException | RuntimeException | Error e) {
            recover(e);
            if (SqliteErrors.full(e) && emergency.getAsBoolean()) {
                commitGroup(batch); // at most once more, since the reserve can be freed only once
            } else if (batch.size() == 1) {
                batch.getFirst().settle(explain(e));
            } else {
                batch.forEach(this::commitSingle);
            }
        }
    }

    private void commitSingle(PendingWrite<?> task) {
        if (broken != null) {
            task.settle(broken);
            return;
        }
        try {
            Transactions.begin(tx);
            task.run(tx);
            commit.commit(tx);
        } catch (SQLException | RuntimeException | Error e) {
            try {
                recover(e);
                if (SqliteErrors.full(e) && emergency.getAsBoolean()) {
                    commitSingle(task); // once more, as in commitGroup
                } else {
                    task.settle(explain(e));
                }
            } catch (DurabilityLost lost) {
                breakDown(lost);
                task.settle(lost);
            }
        }
    }

    /** Rolls the failed transaction back; throws if it is unknown what the disk holds. */
    private void recover(Throwable e) {
        if (e instanceof SQLException sql && !SqliteErrors.harmless(sql)) {
            throw new DurabilityLost(
                    "committing to %s: %s. What is on the disk is in doubt, so nothing more is written; check the disk and restart"
                            .formatted(file, sql.getMessage()),
                    sql);
        }
        Transactions.abandon(tx);
    }

    private Throwable explain(Throwable e) {
        return e instanceof SQLException sql ? SqliteErrors.failed("writing to", file, sql) : e;
    }

    private void failWaiting() {
        List<PendingWrite<?>> rest = new ArrayList<>();
        queue.drainTo(rest);
        rest.remove(PendingWrite.CLOSE);
        rest.forEach(t -> t.fail(closed()));
    }

    /** Writes what is queued, then ends. */
    void close() {
        closing = true;
        boolean interrupted = false;
        while (true) {
            try {
                if (thread.isAlive()) {
                    queue.put(PendingWrite.CLOSE);
                    wake();
                    thread.join();
                }
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
