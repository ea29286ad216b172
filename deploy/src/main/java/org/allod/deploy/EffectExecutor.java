package org.allod.deploy;

import org.allod.base.SupervisedThread;

/** Whoever carries out effects while the deploy waits for what comes of them. */
interface EffectExecutor {
    /** Begins a task; what it returns ends it. */
    Work begin(String name, Runnable task);

    /** A task under way. */
    interface Work {
        /** Has it end, and returns once it has. */
        void stop();
    }

    /** A virtual thread each. */
    static EffectExecutor threads() {
        return (name, task) -> {
            Thread thread = SupervisedThread.start("deploy", name, task);
            return () -> {
                thread.interrupt();
                joined(thread);
            };
        };
    }

    /** Two tasks at one machine would race, so the end of the first is waited for whatever happens. */
    private static void joined(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
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
