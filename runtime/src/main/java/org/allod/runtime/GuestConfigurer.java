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
 * Telling PID 1 what it is, beside whatever else a start has to wait for: PID 1 calls as soon as it runs, which is before
 * runsc has wound up and has been looked at.
 */
final class GuestConfigurer {
    private static final Duration WINDING_UP = Duration.ofSeconds(5);

    private final MachineId machine;
    private final CompletableFuture<Void> hopeless = new CompletableFuture<>();
    private final FutureTask<Void> told;
    private final Thread thread;

    /** Begins at once. The channel is the caller's, to close where nothing comes of it. */
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

    /** The guest has ended, or never began: nobody will call. Of no consequence once PID 1 has been told. */
    void giveUp() {
        hopeless.complete(null);
        thread.interrupt();
    }

    /** After {@link #giveUp}, and once the channel is closed: until nothing goes on behind the caller's back. */
    void configured() {
        try {
            thread.join(WINDING_UP);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Returns once PID 1 runs what it was told to.
     *
     * @throws FailedException where it cannot be told, or says that it cannot do it
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
