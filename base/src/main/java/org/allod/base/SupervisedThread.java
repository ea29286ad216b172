package org.allod.base;

/**
 * Starts virtual threads of which none ends unseen: what one throws is counted and logged ({@link LoopFailures}). For
 * work that is done once and need not be done again; see {@link SupervisedTask} for what must succeed, {@link
 * SupervisedLoop} and {@link SupervisedTimer} for what must go on.
 */
public final class SupervisedThread {
    private SupervisedThread() {}

    /**
     * Starts a thread.
     *
     * @param kind what it does, for metrics: without a machine's name or any other that grows in number
     * @param name the thread's, for dumps
     */
    public static Thread start(String kind, String name, Runnable body) {
        return Thread.ofVirtual().name(name).start(() -> run(kind, body));
    }

    /** One whose kind is name enough. */
    public static Thread start(String kind, Runnable body) {
        return start(kind, kind, body);
    }

    /** Runs the body here and reports what it throws; a virtual machine that is at its end is not gone on with. */
    public static void run(String kind, Runnable body) {
        try {
            body.run();
        } catch (Throwable e) {
            FatalErrors.check(e); // what it was caused by may be one
            LoopFailures.ofProcess().report(kind, e);
            FatalErrors.rethrow(e);
        }
    }
}
