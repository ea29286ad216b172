package org.allod.base;

import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What the loops, timers and threads of this process threw, by kind: for the log, the metrics and the status. One for
 * the process, as the log is. A kind is a few words of the program ({@code guest-read}), never a name that a tenant
 * chose, so their number is bounded by the source.
 *
 * <p>The log gets the first failure of a kind at once and then one line a {@link #QUIET}: a loop that fails a thousand
 * times a minute must not fill the disk that it may be failing for.
 */
public final class LoopFailures {
    private static final System.Logger LOG = System.getLogger(LoopFailures.class.getName());
    private static final long QUIET = TimeUnit.SECONDS.toNanos(30);
    private static final LoopFailures PROCESS = new LoopFailures(new SystemClock());

    /**
     * What one kind of loop has met.
     *
     * @param count failures since the process began
     * @param last what the last one was
     * @param at when
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

    /** Counts a failure and says so in the log, unless it has just done so for this kind. */
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

    /** By kind; those that never failed are not there. */
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
