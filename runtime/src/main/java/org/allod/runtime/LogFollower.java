package org.allod.runtime;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Reads a log as it grows. Buffers at most {@link #MOST} lines; a slower reader loses the oldest and is told how many,
 * so that an abandoned reader costs the host nothing.
 */
public final class LogFollower implements AutoCloseable {
    static final int MOST = 4096;

    private final Consumer<LogFollower> leave;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<LogLine> lines;
    private long missed;
    private boolean closed;

    LogFollower(List<LogLine> first, Consumer<LogFollower> leave) {
        this.lines = new ArrayDeque<>(first);
        this.leave = leave;
    }

    void offer(LogLine line) {
        lock.lock();
        try {
            while (lines.size() >= MOST) {
                lines.remove();
                missed++;
            }
            lines.add(line);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The next line; empty if none arrived within {@code wait}, or if the log was closed ({@link #ended}). */
    public Optional<LogLine> next(Duration wait) throws InterruptedException {
        lock.lock();
        try {
            long left = wait.toNanos();
            while (lines.isEmpty() && !closed && left > 0) {
                left = changed.awaitNanos(left);
            }
            if (missed > 0 && !lines.isEmpty()) {
                LogLine first = lines.element();
                String text = missed + " lines were skipped here: they were not read in time";
                missed = 0;
                return Optional.of(new LogLine(first.time(), LogLine.Source.HOST, text, false));
            }
            return Optional.ofNullable(lines.poll());
        } finally {
            lock.unlock();
        }
    }

    /** Whether no more lines will come. */
    public boolean ended() {
        lock.lock();
        try {
            return closed && lines.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        leave.accept(this);
    }
}
