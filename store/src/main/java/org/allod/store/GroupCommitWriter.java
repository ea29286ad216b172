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
 * <p>Under {@link #turn} somebody takes what waits (at most a batch), runs all of it in one transaction and commits: one flush for all. If a
 * piece of work throws, the whole batch is rolled back and repeated one by one, each in its own transaction, so that
 * only the guilty piece fails; that costs a flush for each but happens rarely, and the common path pays for no
 * savepoints. If the commit itself fails and what is on the disk is in doubt, the writer breaks: every waiting and later
 * write fails with {@link DurabilityLost}.
 *
 * <p><b>Who commits.</b> A thread of this class, as long as writes come together: it delivers the outcomes of a batch
 * on a virtual thread, so that the next batch starts at once. But for a caller that is alone, to wake that thread and
 * to be woken by it costs more than the flush itself. So once a batch was of one, a virtual thread that finds nobody
 * writing and nothing queued commits its own write and hears the outcome before {@link #submit} returns; what queues up
 * meanwhile is the thread's, and makes a batch of more, after which callers queue again. The foreign calls hold the
 * caller's carrier for one commit: of one virtual thread at a time, since there is one turn, and only where there is a
 * second carrier for the others (docs/decisions/010).
 */
final class GroupCommitWriter implements Runnable {
    private static final System.Logger LOG = System.getLogger(GroupCommitWriter.class.getName());

    /** Bound while a write committed on this thread is being told. */
    private static final ScopedValue<Boolean> DELIVERING = ScopedValue.newInstance();
    /** Whether virtual threads go on while one of them holds its carrier. */
    private static final boolean SECOND_CARRIER = Integer.getInteger(
                    "jdk.virtualThreadScheduler.parallelism",
                    Runtime.getRuntime().availableProcessors())
            > 1;

    private final Path file;
    private final Transaction tx;
    private final Transactions.Commit commit;
    private final WalCheckpointer checkpointer;
    /** Makes room on a full disk; false where it has none to give. */
    private final BooleanSupplier emergency;

    private final int batchSize;
    private final BlockingQueue<PendingWrite<?>> queue;
    private final Thread thread;
    /** Held from taking the work until its outcome is known, never while it is delivered. Guards tx. */
    private final ReentrantLock turn = new ReentrantLock();
    /** Whether the last batch was of one: then the next caller is probably alone as well. */
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
     * Queues a task, and blocks while the queue is full; or writes it at once. The task is told its outcome exactly once.
     */
    void submit(PendingWrite<?> task) {
        Throwable refusal = refusal();
        if (refusal != null) {
            task.fail(refusal);
            return;
        }
        if (lone && mayCommit() && mustRunAlone(task)) {
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
        // The writer may have ended between the check and the put; then nobody else will answer.
        if (!thread.isAlive() && queue.remove(task)) {
            task.fail(closed());
        }
    }

    /**
     * Platform threads queue: they are few, and others wait for them (timers). So does a listener that hears of a write
     * committed here: else a chain of writes would grow the stack without bound.
     */
    private static boolean mayCommit() {
        return SECOND_CARRIER && Thread.currentThread().isVirtual() && !DELIVERING.isBound();
    }

    /** Writes the task on this thread; false where somebody writes or waits to. */
    private boolean mustRunAlone(PendingWrite<?> task) {
        if (!turn.tryLock()) {
            return false;
        }
        try {
            if (ended || !queue.isEmpty()) {
                return false;
            }
            write(List.of(task));
        } finally {
            turn.unlock();
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
            turn.lock();
            try {
                queue.drainTo(batch, batchSize);
                last = batch.remove(PendingWrite.CLOSE);
                if (!batch.isEmpty()) {
                    lone = batch.size() == 1;
                    write(batch);
                }
            } finally {
                turn.unlock();
            }
            PendingWrite.deliver(batch);
        }
        turn.lock();
        try {
            ended = true;
        } finally {
            turn.unlock();
        }
        failWaiting();
    }

    /** Waits until something is queued; false where it never will be. */
    private boolean awaitWork() {
        while (queue.isEmpty()) {
            if (Thread.interrupted()) {
                LOG.log(System.Logger.Level.WARNING, "the writer of {0} was interrupted", file);
                return false;
            }
            // Whoever queues sees this, or is seen by the second look.
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

    /** Under the turn: makes the batch durable and settles what each task will be told. */
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
            // A defect: without this the thread would end and every later write wait for ever.
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
        Consumer<DurabilityLost> told = onLost;
        if (told != null) {
            told.accept(lost);
        }
    }

    /** Has somebody told, on the writing thread, when nothing more is written. */
    void whenLost(Consumer<DurabilityLost> told) {
        onLost = told;
        DurabilityLost lost = broken;
        if (lost != null) {
            told.accept(lost);
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
                commitGroup(batch); // once more: the reserve is given up once
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
                task.settle(explain(e));
            } catch (DurabilityLost lost) {
                breakDown(lost);
                task.settle(lost);
            }
        }
    }

    /** Ends the failed transaction; throws where it is in doubt what the disk holds. */
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
