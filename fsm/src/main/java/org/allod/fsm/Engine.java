package org.allod.fsm;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SupervisedThread;
import org.allod.base.Timers;
import org.allod.store.Database;
import org.allod.store.DurabilityLost;
import org.allod.store.WriteCallback;
import org.jspecify.annotations.Nullable;

/**
 * Executes durable runs. Call {@link #register} for every type, then {@link #resume} once, then {@link #start}.
 *
 * <p>Thread rule: safe from any thread. Calls that wait for the disk or for a run block; use virtual threads.
 */
public final class Engine implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Engine.class.getName());

    private final EventStore store;
    private final Clock clock;
    private final Timers timers;
    private final IdGenerator ids;
    private final EngineOptions options;
    private final RunRegistry registry;
    private final RunSubscriptions subscriptions;
    private final HistoryPruner pruner;
    private final RunScheduler scheduler;

    /**
     * @param executor runs the bodies of steps; each may block
     * @param fatal called once if the engine cannot go on, because of lost durability or a bug; the daemon must restart
     */
    public Engine(
            EventStore store,
            Clock clock,
            Timers timers,
            Rng rng,
            IdGenerator ids,
            Executor executor,
            EngineOptions options,
            Consumer<Throwable> fatal) {
        this.store = store;
        this.clock = clock;
        this.timers = timers;
        this.ids = ids;
        this.options = options;
        this.registry = new RunRegistry(options);
        this.subscriptions = new RunSubscriptions(options.watch());
        this.pruner = new HistoryPruner(store, clock, executor, options);
        this.scheduler =
                new RunScheduler(store, clock, timers, rng, executor, options, registry, subscriptions, pruner, fatal);
    }

    /** An engine on a database, with a virtual thread for each step. */
    public static Engine on(
            Database database,
            Clock clock,
            Timers timers,
            Rng rng,
            IdGenerator ids,
            EngineOptions options,
            Consumer<Throwable> fatal) {
        Executor executor = body -> SupervisedThread.start("step", body);
        return new Engine(EventStore.sqlite(database), clock, timers, rng, ids, executor, options, fatal);
    }

    /** Registers a run type. Call before {@link #resume}. */
    public void register(RunType<?, ?> type) {
        registry.register(type);
    }

    public List<RunType<?, ?>> types() {
        return registry.types();
    }

    /** Resumes every run that was active when the last process ended; returns how many. Call once, before any start. */
    public int resume() {
        return resume(run -> {});
    }

    /** @param before called with each of these runs before any of them continues */
    public int resume(Consumer<RunView> before) {
        List<ActiveRun> back = registry.resume(store.load());
        back.forEach(run -> ids.after(run.id().ulid()));
        store.ended(Optional.empty(), 1)
                .forEach(run -> ids.after(run.spec().id().ulid()));
        // Runs that had begun come first: they were within their caps before the restart, so they are again.
        Comparator<ActiveRun> begunFirst = Comparator.comparing(r -> r.state instanceof RunState.Waiting);
        pruner.start(timers);
        back.forEach(run -> before.accept(RunView.of(run)));
        back.stream().sorted(begunFirst.thenComparing(ActiveRun::id)).forEach(scheduler::whenReady);
        return back.size();
    }

    /** Starts a run; returns once its start is durable. */
    public <Q, R> RunId start(RunType<Q, R> type, String subject, Q request) {
        return start(type, subject, request, StartOptions.none());
    }

    /**
     * Starts a run; returns once its start is durable.
     *
     * @throws RejectedException CONFLICT if another run of this action and subject is active and no queue was named;
     *     INVALID, NOT_FOUND or CAPACITY if the options or bounds do not allow it
     */
    public <Q, R> RunId start(RunType<Q, R> type, String subject, Q request, StartOptions how) {
        return join(startAsync(type, subject, request, how));
    }

    /** The same without waiting; a refusal is thrown at once. */
    public <Q, R> CompletableFuture<RunId> startAsync(RunType<Q, R> type, String subject, Q request, StartOptions how) {
        byte[] bytes = type.requests().encode(request);
        if (bytes.length > options.payload()) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "starting %s for %s: the request has %d bytes, the bound is %d"
                            .formatted(type.name(), subject, bytes.length, options.payload()));
        }
        // Read before taking the lock, because it queries the database.
        boolean afterEnded =
                how.after().isPresent() && store.ended(how.after().get()).isPresent();
        String what = RunRegistry.startErrorPrefix(type, subject);
        scheduler.alive(what);
        ActiveRun run = registry.join(type, subject, how, afterEnded, () -> {
            // Checked again under the registry's lock, so that a shutdown finds every run that joined.
            scheduler.alive(what);
            return spec(type, subject, new Payload(bytes), how);
        });
        return recordStart(run);
    }

    private RunSpec spec(RunType<?, ?> type, String subject, Payload request, StartOptions how) {
        long now = clock.wallMillis();
        return new RunSpec(
                new RunId(ids.ulid()),
                type.name(),
                type.action(),
                subject,
                now,
                how.delay().isPositive() ? now + how.delay().toMillis() : 0,
                how.queue(),
                how.after(),
                how.parent(),
                how.trace().or(TraceContext::current),
                type.steps(),
                type.finalizers(),
                request);
    }

    private CompletableFuture<RunId> recordStart(ActiveRun run) {
        CompletableFuture<RunId> result = new CompletableFuture<>();
        var append =
                new LogAppend(LogPosition.NONE, Optional.of(run.spec), List.of(), run.state, "", run.spec.created());
        store.append(append, new WriteCallback<>() {
            @Override
            public void durable(LogPosition position) {
                synchronized (run) {
                    run.position = position;
                }
                registry.durable(run);
                if (run.stats != null) {
                    run.stats.onStart();
                }
                subscriptions.publish(run);
                result.complete(run.id());
                scheduler.whenReady(run);
                scheduler.loop.release(run);
            }

            @Override
            public void failed(Throwable why) {
                scheduler.forget(run);
                scheduler.loop.reject(run, why);
                run.waiters().completeExceptionally(why);
                result.completeExceptionally(why);
                if (why instanceof DurabilityLost) {
                    scheduler.fatal(why);
                }
            }
        });
        return result;
    }

    /**
     * Cancels a run and its active children; returns once that is durable. An executing step is interrupted, and the
     * finalizers run once it has returned.
     *
     * @throws RejectedException NOT_FOUND, or CONFLICT if the run is ending already
     */
    public void cancel(RunId id, String cause) {
        join(cancelAsync(id, cause));
    }

    public CompletableFuture<Void> cancelAsync(RunId id, String cause) {
        scheduler.alive("cancelling run " + id + ": ");
        ActiveRun run = registry.get(id);
        List<ActiveRun> children = registry.children(id);
        if (run == null) {
            if (store.ended(id).isPresent()) {
                throw RejectedException.conflict("run " + id + " cannot be cancelled: it is over");
            }
            throw RejectedException.notFound("there is no run " + id);
        }
        CompletableFuture<Void> reply = new CompletableFuture<>();
        scheduler.loop.offer(run, new RunInput.Cancel(cause), reply);
        return reply.thenRun(() -> children.forEach(c -> cancelChild(c, cause)));
    }

    /** Retries a failed finalizer now instead of after its backoff; does nothing if none waits. */
    public void retryFinalizer(RunId id) {
        ActiveRun run = registry.get(id);
        if (run != null) {
            scheduler.loop.retryFinalizer(run);
        }
    }

    private void cancelChild(ActiveRun child, String cause) {
        cancelAsync(child.id(), "parent cancelled: " + cause).exceptionally(e -> {
            if (!(e instanceof RejectedException) && !(e.getCause() instanceof RejectedException)) {
                LOG.log(System.Logger.Level.WARNING, "cancelling child run " + child.id(), e);
            }
            return null;
        });
    }

    /** Completes when the run has ended, at once if it has; fails with NOT_FOUND if no such run is known. */
    public CompletableFuture<RunResult> outcome(RunId id) {
        ActiveRun run = registry.get(id);
        if (run != null) {
            return run.waiters().copy();
        }
        // A run leaves memory only once its end is durable, so memory or the store has it.
        return store.ended(id)
                .map(a -> CompletableFuture.completedFuture(ended(a)))
                .orElseGet(() -> CompletableFuture.failedFuture(RejectedException.notFound("there is no run " + id)));
    }

    /**
     * Waits for a run to end.
     *
     * @throws RejectedException NOT_FOUND, or TIMEOUT
     */
    public RunResult await(RunId id, Duration timeout) {
        try {
            return outcome(id).get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw RejectedException.because(
                    RejectedException.Reason.TIMEOUT, "run " + id + " is not over after " + timeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("waiting for run " + id + ": interrupted", e);
        } catch (ExecutionException e) {
            throw unwrap(e.getCause());
        }
    }

    private static RunResult ended(EndedRunRecord a) {
        return new RunResult(a.spec().id(), a.outcome(), a.response().map(Payload::bytes));
    }

    /** The active run of this type's action and subject, which excludes others. */
    public Optional<RunId> activeRun(RunType<?, ?> type, String subject) {
        return registry.holder(type.action(), subject);
    }

    public Optional<RunView> get(RunId id) {
        ActiveRun run = registry.get(id);
        return run != null ? Optional.of(RunView.of(run)) : store.ended(id).map(RunView::of);
    }

    /**
     * Lists runs, youngest first: at most {@code limit} of those before the cursor. Ended runs are filtered page by
     * page, as far as the history is kept.
     *
     * @param before the last run of the previous page
     */
    public List<RunView> list(RunFilter filter, Optional<RunId> before, int limit) {
        return new RunListing(store, registry::before).list(filter, before, limit);
    }

    /** The recorded events of a run, oldest first; empty if the run is not known. */
    public List<HistoryEvent> history(RunId id) {
        ActiveRun run = registry.get(id);
        return store.history(id, run == null ? LogPosition.NONE : run.ref());
    }

    /** Every run that was started as a child of this one, ended ones included. */
    public List<RunId> children(RunId parent) {
        return store.children(parent);
    }

    /** Subscribes to every change of every run from now on. */
    public RunSubscription watch() {
        return subscriptions.open(id -> true);
    }

    /** Subscribes to one run: its present state, then every change of it, its end included. */
    public RunSubscription watch(RunId id) {
        RunSubscription subscription = subscriptions.open(id::equals);
        get(id).ifPresent(subscription::publish);
        return subscription;
    }

    /** Counts and durations of every registered type. */
    public List<TypeMetrics> metrics() {
        return registry.metrics();
    }

    /** The state of the named queues. */
    public List<QueueView> queues() {
        return registry.queues();
    }

    public int activeCount() {
        return registry.count();
    }

    /**
     * Stops without recording anything: steps are interrupted, and run again after the restart. Returns once they have
     * returned, at the latest after {@code grace}.
     */
    public boolean shutdown(Duration grace) {
        scheduler.close();
        pruner.close();
        subscriptions.close();
        List<ActiveRun> running = registry.all();
        running.forEach(StepExecutor::interrupt);
        long deadline = clock.monoNanos() + grace.toNanos();
        for (ActiveRun run : running) {
            if (!scheduler.loop.turns.idle(run, deadline)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        shutdown(Duration.ofSeconds(5));
    }

    private static <T extends @Nullable Object> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw unwrap(e.getCause());
        }
    }

    private static RuntimeException unwrap(@Nullable Throwable cause) {
        return switch (cause) {
            case Error error -> throw error;
            case RuntimeException runtime -> runtime;
            case null, default -> new FailedException("waiting for a run", cause);
        };
    }
}
