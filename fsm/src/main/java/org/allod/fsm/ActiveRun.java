package org.allod.fsm;

import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.allod.base.Timers;
import org.jspecify.annotations.Nullable;

/**
 * One active run in memory. The monitor of {@code this} guards its mutable fields, except the last three, which the
 * registry's lock guards. The thread that sets {@link #busy} owns the run's decisions until it is cleared: one input at
 * a time, and the next one only once the events of the last are durable. Kept small, since a host may have a hundred
 * thousand.
 */
final class ActiveRun {
    /** An input, and the future that completes once its events are durable. */
    record PendingInput(RunInput input, @Nullable CompletableFuture<Void> reply) {}

    final RunSpec spec;
    /** Null if the type is no longer registered; the run is then listed but not executed. */
    final @Nullable RunType<?, ?> type;

    /** Null with the type. */
    final @Nullable RunTypeStats stats;

    final boolean resumed;
    LogPosition position;
    RunState state;
    Optional<Payload> response;
    String error;
    /** When the run entered its state, in milliseconds since the epoch. */
    long since;

    int events;
    /** Failed appends in a row. */
    int unrecorded;

    boolean busy;

    @Nullable
    ArrayDeque<PendingInput> inbox;

    @Nullable
    Thread thread;

    Timers.@Nullable Timer pause;

    @Nullable
    CompletableFuture<RunResult> waiters;

    boolean admitted;
    boolean slot;
    boolean durable;

    ActiveRun(
            RunSpec spec,
            @Nullable RunType<?, ?> type,
            @Nullable RunTypeStats stats,
            boolean resumed,
            LogPosition position,
            RunState state) {
        this.spec = spec;
        this.type = type;
        this.stats = stats;
        this.resumed = resumed;
        this.position = position;
        this.state = state;
        this.response = Optional.empty();
        this.error = "";
        this.since = spec.created();
    }

    RunId id() {
        return spec.id();
    }

    synchronized LogPosition ref() {
        return position;
    }

    /** Whether only finalizers are left; such a run needs no place in its queue. */
    synchronized boolean ending() {
        return switch (state) {
            case RunState.Cancelling c -> true;
            case RunState.Finalizing f -> true;
            case RunState.FinalPausing f -> true;
            case RunState.Finished f -> true;
            case RunState.Waiting w -> false;
            case RunState.Running r -> false;
            case RunState.Pausing p -> false;
        };
    }

    synchronized CompletableFuture<RunResult> waiters() {
        if (waiters == null) {
            waiters = new CompletableFuture<>();
        }
        return waiters;
    }
}
