package org.allod.deploy;

import org.allod.base.SupervisedThread;

/** Carries out effects while the deploy waits for their results. */
interface EffectExecutor {
    /** Begins a task; the result stops it. */
    Work begin(String name, Runnable task);

    /** A task under way. */
    interface Work {
        /** Interrupts the task and returns once it has ended. */
        void stop();
    }

    /** Runs each task on a virtual thread. */
    static EffectExecutor threads() {
        return (name, task) -> {
            Thread thread = SupervisedThread.start("deploy", name, task);
            return () -> {
                thread.interrupt();
                joined(thread);
            };
        };
    }

    /** Waits for the thread's end, even if interrupted, because two tasks on one machine would race. */
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
