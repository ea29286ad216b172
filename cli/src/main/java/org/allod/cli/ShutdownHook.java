package org.allod.cli;

/** Runs a task if the process is ended from outside, by Ctrl-C or otherwise. */
final class ShutdownHook implements AutoCloseable {
    private final Thread hook;

    private ShutdownHook(Thread hook) {
        this.hook = hook;
    }

    /** Runs {@code task} if the process is ended before this is closed. */
    static ShutdownHook doing(Runnable task) {
        Thread hook = new Thread(task, "at exit");
        Runtime.getRuntime().addShutdownHook(hook);
        return new ShutdownHook(hook);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending, and the task is running.
        }
    }
}
