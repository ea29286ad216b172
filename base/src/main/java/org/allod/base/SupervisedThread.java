package org.allod.base;

/**
 * Starts virtual threads whose failures are counted and logged ({@link LoopFailures}). For work that is done once and
 * not retried; use {@link SupervisedTask} for what must succeed, {@link SupervisedLoop} and {@link SupervisedTimer} for
 * what repeats.
 */
public final class SupervisedThread {
    private SupervisedThread() {}

    /**
     * Starts a thread.
     *
     * @param kind what it does, for metrics; must not contain a machine's name or another unbounded part
     * @param name the thread's name, for thread dumps
     */
    public static Thread start(String kind, String name, Runnable body) {
        return Thread.ofVirtual().name(name).start(() -> run(kind, body));
    }

    /** Starts a thread whose name is its kind. */
    public static Thread start(String kind, Runnable body) {
        return start(kind, kind, body);
    }

    /** Runs the body on this thread and reports what it throws; a fatal error ends the process. */
    public static void run(String kind, Runnable body) {
        try {
            body.run();
        } catch (Throwable e) {
            FatalErrors.check(e); // its cause may be fatal
            LoopFailures.ofProcess().report(kind, e);
            FatalErrors.rethrow(e);
        }
    }
}
