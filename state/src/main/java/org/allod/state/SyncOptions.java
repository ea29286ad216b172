package org.allod.state;

import java.time.Duration;

/**
 * The times and bounds of sync.
 *
 * @param every how often a host compares what it has seen with another's
 * @param grace how long what is on its way by broadcast is waited for before rows are asked for
 * @param answerWithin how long a page may take before it is asked for again
 * @param pageRows rows in one page
 * @param sessions pulls served at once
 * @param sessionIdle after which a session that nobody asks about is forgotten
 */
public record SyncOptions(
        Duration every, Duration grace, Duration answerWithin, int pageRows, int sessions, Duration sessionIdle) {
    public static SyncOptions defaults() {
        return new SyncOptions(
                Duration.ofSeconds(1), Duration.ofMillis(300), Duration.ofSeconds(1), 1000, 8, Duration.ofSeconds(10));
    }

    public SyncOptions withPageRows(int rows) {
        return new SyncOptions(every, grace, answerWithin, rows, sessions, sessionIdle);
    }
}
