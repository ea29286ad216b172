package org.allod.runtime;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.allod.base.Bug;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.SupervisedThread;

/**
 * Sends PID 1 its configuration while the rest of a start proceeds: PID 1 connects as soon as it runs, which is before
 * runsc has finished and been checked.
 */
final class GuestConfigurer {
    private static final Duration WINDING_UP = Duration.ofSeconds(5);

    private final MachineId machine;
    private final CompletableFuture<Void> hopeless = new CompletableFuture<>();
    private final FutureTask<Void> told;
    private final Thread thread;

    /** Starts at once. The caller owns the channel and closes it if the start fails. */
    GuestConfigurer(MachineId machine, GuestChannel channel, GuestSetup setup, Duration bound) {
        this.machine = machine;
        told = new FutureTask<>(
                () -> {
                    channel.open(bound, bound, hopeless);
                    channel.configure(setup);
                },
                null);
        thread = SupervisedThread.start("tell-guest", "tell-" + machine, told);
    }

    /** The guest has ended or never started, so PID 1 will not connect. No effect once it is configured. */
    void giveUp() {
        hopeless.complete(null);
        thread.interrupt();
    }

    /** Waits until the background work has ended; call after {@link #giveUp} and after closing the channel. */
    void configured() {
        try {
            thread.join(WINDING_UP);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Returns once PID 1 runs the main process.
     *
     * @throws FailedException if PID 1 cannot be configured, or reports that it cannot start the process
     */
    void await() {
        try {
            told.get();
        } catch (ExecutionException e) {
            if (hopeless.isDone()) {
                throw new FailedException(
                        "the guest of machine " + machine + " ended before it could be told what it is", e);
            }
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new Bug("telling a guest what it is threw", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while the guest of machine " + machine + " was told what it is", e);
        }
    }
}
