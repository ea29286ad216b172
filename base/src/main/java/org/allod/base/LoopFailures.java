package org.allod.base;

import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Counts what the loops, timers and threads of this process threw, by kind, for the log, the metrics and the status.
 * There is one instance for the process. A kind is a constant of the program ({@code guest-read}), never a name that a
 * tenant chose, so the number of kinds is bounded.
 *
 * <p>The first failure of a kind is logged at once, later ones at most once every {@link #QUIET}: a loop that fails a
 * thousand times a minute must not fill the disk.
 */
public final class LoopFailures {
    private static final System.Logger LOG = System.getLogger(LoopFailures.class.getName());
    private static final long QUIET = TimeUnit.SECONDS.toNanos(30);
    private static final LoopFailures PROCESS = new LoopFailures(new SystemClock());

    /**
     * The failures of one kind.
     *
     * @param count failures since the process started
     * @param last the last one's message
     * @param at when the last one happened
     */
    public record Failure(long count, String last, Instant at) {}

    private static final class Entry {
        long count;
        long unlogged;
        long loggedAt;
        boolean logged;
        String last = "";
        Instant at = Instant.EPOCH;
    }

    /** Writes a line of the log. */
    interface Sink {
        void log(String message, Throwable why);
    }

    private final Clock clock;
    private final Sink sink;
    private final Map<String, Entry> kinds = new TreeMap<>();

    private LoopFailures(Clock clock) {
        this(clock, (message, why) -> LOG.log(System.Logger.Level.ERROR, message, why));
    }

    LoopFailures(Clock clock, Sink sink) {
        this.clock = clock;
        this.sink = sink;
    }

    /** Those of this process. */
    public static LoopFailures ofProcess() {
        return PROCESS;
    }

    /** Counts a failure, and logs it unless one of this kind was logged a moment ago. */
    public void report(String kind, Throwable why) {
        String line = null;
        synchronized (this) {
            Entry entry = kinds.computeIfAbsent(kind, k -> new Entry());
            entry.count++;
            entry.last = describe(why);
            entry.at = clock.wall();
            long now = clock.monoNanos();
            if (!entry.logged || now - entry.loggedAt >= QUIET) {
                line = kind + " failed and goes on"
                        + (entry.unlogged == 0 ? "" : " (" + entry.unlogged + " more failures since the last line)");
                entry.logged = true;
                entry.loggedAt = now;
                entry.unlogged = 0;
            } else {
                entry.unlogged++;
            }
        }
        if (line != null) {
            sink.log(line, why);
        }
    }

    /** The failures by kind, without kinds that never failed. */
    public synchronized Map<String, Failure> all() {
        Map<String, Failure> all = new TreeMap<>();
        kinds.forEach((kind, entry) -> all.put(kind, new Failure(entry.count, entry.last, entry.at)));
        return all;
    }

    private static String describe(Throwable why) {
        @Nullable String message = why.getMessage();
        return message == null ? why.getClass().getSimpleName() : message;
    }
}
