package org.allod.store;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.allod.base.Failed;
import org.jspecify.annotations.Nullable;

/**
 * The one thread that writes, and the group commit.
 *
 * <p>It takes what waits (at most a batch), runs all of it in one transaction and commits: one flush for all. If a
 * piece of work throws, the whole batch is rolled back and repeated one by one, each in its own transaction, so that
 * only the guilty piece fails; that costs a flush for each but happens rarely, and the common path pays for no
 * savepoints. If the commit itself fails and what is on the disk is in doubt, the writer breaks: every waiting and later
 * write fails with {@link DurabilityLost}.
 *
 * <p>Outcomes are delivered on another thread where the caller's continuation could be long, so that the next batch
 * starts at once.
 */
final class Writer implements Runnable {
    private static final System.Logger LOG = System.getLogger(Writer.class.getName());

    private final Path file;
    private final Tx tx;
    private final Transactions.Commit commit;
    private final int batchSize;
    private final BlockingQueue<Task<?>> queue;
    private final Thread thread;
    private volatile boolean closing;
    private volatile @Nullable DurabilityLost broken;

    Writer(Path file, Tx tx, DatabaseOptions options, Transactions.Commit commit) {
        this.file = file;
        this.tx = tx;
        this.commit = commit;
        this.batchSize = options.batch();
        this.queue = new ArrayBlockingQueue<>(options.queue());
        this.thread =
                Thread.ofPlatform().name("store-writer-" + file.getFileName()).unstarted(this);
    }

    void start() {
        thread.start();
    }

    /** Queues a task; blocks while the queue is full. The task is told its outcome exactly once. */
    void submit(Task<?> task) {
        Throwable refusal = refusal();
        if (refusal != null) {
            task.fail(refusal);
            return;
        }
        try {
            queue.put(task);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            task.fail(new Failed("writing to " + file + ": interrupted while waiting for room in the queue", e));
            return;
        }
        // The writer may have ended between the check and the put; then nobody else will answer.
        if (!thread.isAlive() && queue.remove(task)) {
            task.fail(closed());
        }
    }

    private @Nullable Throwable refusal() {
        DurabilityLost lost = broken;
        return lost != null ? lost : closing ? closed() : null;
    }

    private Failed closed() {
        return new Failed("writing to " + file + ": the database is closed");
    }

    @Override
    public void run() {
        List<Task<?>> batch = new ArrayList<>(batchSize);
        try {
            while (true) {
                batch.clear();
                batch.add(queue.take());
                queue.drainTo(batch, batchSize - 1);
                boolean last = batch.remove(Task.CLOSE);
                if (!batch.isEmpty()) {
                    write(batch);
                }
                if (last) {
                    break;
                }
            }
        } catch (InterruptedException e) {
            LOG.log(System.Logger.Level.WARNING, "the writer of {0} was interrupted", file);
        }
        failWaiting();
    }

    private void write(List<Task<?>> batch) {
        DurabilityLost lost = broken;
        if (lost != null) {
            Task.deliver(batch, t -> t.fail(lost));
            return;
        }
        try {
            together(batch);
        } catch (DurabilityLost e) {
            broken = e;
            LOG.log(System.Logger.Level.ERROR, e.getMessage(), e);
            Task.deliver(batch, t -> t.fail(e));
        }
    }

    private void together(List<Task<?>> batch) {
        try {
            Transactions.begin(tx);
            for (Task<?> task : batch) {
                task.run(tx);
            }
            commit.commit(tx);
        } catch (SQLException | RuntimeException | Error e) {
            recover(e);
            if (batch.size() == 1) {
                batch.getFirst().fail(explain(e));
                return;
            }
            oneByOne(batch);
            return;
        }
        Task.deliver(batch, Task::succeed);
    }

    private void oneByOne(List<Task<?>> batch) {
        for (Task<?> task : batch) {
            if (broken == null) {
                try {
                    Transactions.begin(tx);
                    task.run(tx);
                    commit.commit(tx);
                    Task.deliver(List.of(task), Task::succeed);
                } catch (SQLException | RuntimeException | Error e) {
                    try {
                        recover(e);
                        task.fail(explain(e));
                    } catch (DurabilityLost lost) {
                        broken = lost;
                        LOG.log(System.Logger.Level.ERROR, lost.getMessage(), lost);
                        task.fail(lost);
                    }
                }
            } else {
                task.fail(broken);
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
        List<Task<?>> rest = new ArrayList<>();
        queue.drainTo(rest);
        rest.remove(Task.CLOSE);
        rest.forEach(t -> t.fail(closed()));
    }

    /** Writes what is queued, then ends. */
    void close() {
        closing = true;
        boolean interrupted = false;
        while (true) {
            try {
                if (thread.isAlive()) {
                    queue.put(Task.CLOSE);
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
