package org.allod.fsm;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.allod.base.Failed;
import org.allod.base.Ids;
import org.allod.base.Rejected;
import org.allod.base.Rng;
import org.allod.base.Timers;
import org.allod.store.Database;
import org.allod.store.DurabilityLost;
import org.allod.store.Listener;
import org.jspecify.annotations.Nullable;

/**
 * Runs durable state machines. Register the types, {@link #resume}, then {@link #start}. Safe for use from any thread;
 * calls that wait for the disk or a run block, which suits virtual threads.
 */
public final class Engine implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Engine.class.getName());

    private final EventStore store;
    private final Clock clock;
    private final Timers timers;
    private final Ids ids;
    private final EngineOptions options;
    private final Consumer<Throwable> fatal;
    private final RunLoop loop;
    private final Watches watches;
    private final Pruner pruner;

    /** Guards everything below. Never held while the store or a step is called. */
    private final Object lock = new Object();

    private final Map<String, RunType<?, ?>> types = new TreeMap<>();
    private final Map<String, Meter> meters = new TreeMap<>();
    private final NavigableMap<RunId, ActiveRun> active = new TreeMap<>();
    private final Map<RunId, List<ActiveRun>> followers = new HashMap<>();
    private final Lanes lanes;
    private boolean resumed;
    private volatile boolean closing;
    private volatile @Nullable Throwable broken;

    /**
     * @param executor runs the bodies of steps; each may block
     * @param fatal told once if the engine cannot go on: a durability failure, or a bug. The daemon ends and restarts
     */
    public Engine(
            EventStore store,
            Clock clock,
            Timers timers,
            Rng rng,
            Ids ids,
            Executor executor,
            EngineOptions options,
            Consumer<Throwable> fatal) {
        this.store = store;
        this.clock = clock;
        this.timers = timers;
        this.ids = ids;
        this.options = options;
        this.fatal = fatal;
        this.lanes = new Lanes(options.queues());
        this.watches = new Watches(options.watch());
        this.pruner = new Pruner(store, clock, executor, options);
        this.loop = new RunLoop(store, clock, timers, rng, executor, options, new House());
    }

    /** The engine of a daemon: on a database, each step on a virtual thread. */
    public static Engine on(
            Database database,
            Clock clock,
            Timers timers,
            Rng rng,
            Ids ids,
            EngineOptions options,
            Consumer<Throwable> fatal) {
        Executor executor = body -> Thread.ofVirtual().name("step").start(body);
        return new Engine(EventStore.sqlite(database), clock, timers, rng, ids, executor, options, fatal);
    }

    /** Makes a type known. Before {@link #resume}. */
    public void register(RunType<?, ?> type) {
        synchronized (lock) {
            if (resumed) {
                throw new Bug("run type " + type.name() + " registered after resume");
            }
            if (types.putIfAbsent(type.name(), type) != null) {
                throw new Bug("run type " + type.name() + " registered twice");
            }
            meters.put(type.name(), new Meter(type));
        }
    }

    public List<RunType<?, ?>> types() {
        synchronized (lock) {
            return List.copyOf(types.values());
        }
    }

    /** Takes up every run that was active when the last process ended; how many. Call once, before any start. */
    public int resume() {
        List<Recovered> found = store.load();
        List<ActiveRun> back = new ArrayList<>(found.size());
        synchronized (lock) {
            if (resumed) {
                throw new Bug("resume called twice");
            }
            resumed = true;
            for (Recovered r : found) {
                back.add(recover(r));
            }
        }
        // Those that had begun come first: they were within their caps before, so they are again.
        Comparator<ActiveRun> begunFirst = Comparator.comparing(r -> r.state instanceof RunState.Waiting);
        pruner.start(timers);
        back.stream().sorted(begunFirst.thenComparing(ActiveRun::id)).forEach(this::whenReady);
        return back.size();
    }

    private ActiveRun recover(Recovered r) {
        RunType<?, ?> type = types.get(r.spec().type());
        if (type == null) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "run {0} of {1} is kept but not executed: there is no such run type in this program",
                    r.spec().id(),
                    r.spec().type());
        }
        ActiveRun run = new ActiveRun(r.spec(), type, meters.get(r.spec().type()), true, r.ref(), r.state());
        run.response = r.response();
        run.error = r.error();
        run.durable = true;
        r.spec().queue().filter(q -> !lanes.hasQueue(q)).ifPresent(q -> {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "run {0} is in queue ''{1}'', which is no longer configured: one run at a time",
                    r.spec().id(),
                    q);
            lanes.addQueue(q);
        });
        active.put(run.id(), run);
        lanes.join(run);
        return run;
    }

    /** Starts a run; returns once its start is durable. */
    public <Q, R> RunId start(RunType<Q, R> type, String subject, Q request) {
        return start(type, subject, request, StartOptions.none());
    }

    /**
     * Starts a run; returns once its start is durable.
     *
     * @throws Rejected CONFLICT where another run of this action and subject is active and no queue was named; INVALID,
     *     NOT_FOUND or CAPACITY where the options or bounds do not allow it
     */
    public <Q, R> RunId start(RunType<Q, R> type, String subject, Q request, StartOptions how) {
        return join(startAsync(type, subject, request, how));
    }

    /** The same without waiting; a refusal is thrown at once. */
    public <Q, R> CompletableFuture<RunId> startAsync(RunType<Q, R> type, String subject, Q request, StartOptions how) {
        byte[] bytes = type.requests().encode(request);
        if (bytes.length > options.payload()) {
            throw Rejected.because(
                    Rejected.Reason.TOO_LARGE,
                    "starting %s for %s: the request has %d bytes, the bound is %d"
                            .formatted(type.name(), subject, bytes.length, options.payload()));
        }
        // Reads the database, so not under the lock.
        boolean afterEnded =
                how.after().isPresent() && store.ended(how.after().get()).isPresent();
        ActiveRun run;
        synchronized (lock) {
            admissible(type, subject, how, afterEnded);
            long now = clock.wallMillis();
            RunSpec spec = new RunSpec(
                    new RunId(ids.ulid()),
                    type.name(),
                    type.action(),
                    subject,
                    now,
                    how.delay().isPositive() ? now + how.delay().toMillis() : 0,
                    how.queue(),
                    how.after(),
                    how.parent(),
                    how.trace(),
                    type.steps(),
                    type.finalizers(),
                    new Payload(bytes));
            run = new ActiveRun(spec, type, meters.get(type.name()), false, Ref.NONE, new RunState.Waiting());
            // Nothing but the start may be recorded of it before the start is.
            run.busy = true;
            active.put(run.id(), run);
            lanes.join(run);
        }
        return recordStart(run);
    }

    private CompletableFuture<RunId> recordStart(ActiveRun run) {
        CompletableFuture<RunId> result = new CompletableFuture<>();
        var append = new Append(Ref.NONE, Optional.of(run.spec), List.of(), run.state, "", run.spec.created());
        store.append(append, new Listener<>() {
            @Override
            public void durable(Ref ref) {
                synchronized (run) {
                    run.ref = ref;
                }
                synchronized (lock) {
                    run.durable = true;
                }
                if (run.meter != null) {
                    run.meter.started();
                }
                watches.publish(run);
                result.complete(run.id());
                whenReady(run);
                loop.release(run);
            }

            @Override
            public void failed(Throwable why) {
                forget(run);
                loop.reject(run, why);
                run.waiters().completeExceptionally(why);
                result.completeExceptionally(why);
                if (why instanceof DurabilityLost) {
                    broken(why);
                }
            }
        });
        return result;
    }

    private void admissible(RunType<?, ?> type, String subject, StartOptions how, boolean afterEnded) {
        String what = "starting " + type.name() + " for " + subject + ": ";
        alive(what);
        if (!resumed) {
            throw new Bug(what + "the engine has not resumed yet");
        }
        if (!types.containsKey(type.name())) {
            throw new Bug(what + "this run type is not registered");
        }
        if (active.size() >= options.active()) {
            throw Rejected.because(
                    Rejected.Reason.CAPACITY,
                    what + "there are " + active.size() + " active runs, the bound",
                    "try again later");
        }
        how.queue().ifPresent(q -> queueHasRoom(what, q));
        how.after().filter(a -> !afterEnded && !active.containsKey(a)).ifPresent(a -> {
            throw Rejected.notFound(what + "the run to wait for, " + a + ", is not known");
        });
        how.parent().filter(p -> !active.containsKey(p)).ifPresent(p -> {
            throw Rejected.notFound(what + "the parent run " + p + " is not active");
        });
        if (how.queue().isEmpty()) {
            lanes.holder(type.action(), subject).ifPresent(other -> {
                throw Rejected.because(
                        Rejected.Reason.CONFLICT,
                        what + "run " + other.id() + " (" + other.spec.type() + ") is active for it",
                        "wait for run " + other.id() + " or cancel it");
            });
        }
    }

    private void queueHasRoom(String what, String queue) {
        if (!lanes.hasQueue(queue)) {
            throw Rejected.because(
                    Rejected.Reason.INVALID,
                    what + "there is no queue '" + queue + "'",
                    "the queues are " + new java.util.TreeSet<>(options.queues().keySet()));
        }
        if (lanes.backlog(queue) >= options.waiting()) {
            throw Rejected.because(
                    Rejected.Reason.CAPACITY,
                    what + options.waiting() + " runs wait in queue '" + queue + "', the bound",
                    "try again later");
        }
    }

    private void alive(String what) {
        Throwable why = broken;
        if (why != null) {
            throw new Failed(what + "the engine has stopped: " + why.getMessage(), why);
        }
        if (closing) {
            throw new Failed(what + "the engine is shutting down");
        }
    }

    /** Lets a durable run go on once its delay is over, the run before it has ended, and its lanes have room. */
    private void whenReady(ActiveRun run) {
        if (run.type == null || closing) {
            return;
        }
        List<ActiveRun> admitted;
        synchronized (lock) {
            if (!active.containsKey(run.id())) {
                return;
            }
            if (run.state instanceof RunState.Waiting) {
                long delay = run.spec.notBefore() - clock.wallMillis();
                if (delay > 0) {
                    timers.after(Duration.ofMillis(delay), () -> whenReady(run));
                    return;
                }
                Optional<RunId> after = run.spec.after();
                if (after.isPresent() && active.containsKey(after.get())) {
                    followers
                            .computeIfAbsent(after.get(), k -> new ArrayList<>(1))
                            .add(run);
                    return;
                }
            }
            admitted = lanes.ready(run);
        }
        letIn(admitted);
    }

    private void letIn(List<ActiveRun> admitted) {
        for (ActiveRun run : admitted) {
            loop.offer(run, new Input.Admitted());
        }
    }

    /** Takes a run out of memory and lets in those that waited for it. */
    private void forget(ActiveRun run) {
        List<ActiveRun> admitted;
        List<ActiveRun> freed;
        synchronized (lock) {
            active.remove(run.id());
            admitted = lanes.leave(run);
            freed = followers.remove(run.id());
        }
        if (closing) {
            return;
        }
        letIn(admitted);
        if (freed != null) {
            freed.forEach(this::whenReady);
        }
    }

    /**
     * Cancels a run and its active children; returns once that is durable. A step that is executing is interrupted, and
     * the finalizers run once it has returned.
     *
     * @throws Rejected NOT_FOUND, or CONFLICT where the run is ending already
     */
    public void cancel(RunId id, String cause) {
        join(cancelAsync(id, cause));
    }

    public CompletableFuture<Void> cancelAsync(RunId id, String cause) {
        alive("cancelling run " + id + ": ");
        ActiveRun run;
        List<ActiveRun> children;
        synchronized (lock) {
            run = active.get(id);
            children = active.values().stream()
                    .filter(r -> r.spec.parent().filter(id::equals).isPresent())
                    .toList();
        }
        if (run == null) {
            if (store.ended(id).isPresent()) {
                throw Rejected.conflict("run " + id + " cannot be cancelled: it is over");
            }
            throw Rejected.notFound("there is no run " + id);
        }
        CompletableFuture<Void> reply = new CompletableFuture<>();
        loop.offer(run, new Input.Cancel(cause), reply);
        return reply.thenRun(() -> children.forEach(c -> cancelChild(c, cause)));
    }

    private void cancelChild(ActiveRun child, String cause) {
        cancelAsync(child.id(), "parent cancelled: " + cause).exceptionally(e -> {
            if (!(e instanceof Rejected) && !(e.getCause() instanceof Rejected)) {
                LOG.log(System.Logger.Level.WARNING, "cancelling child run " + child.id(), e);
            }
            return null;
        });
    }

    /** Completes when the run is over, at once if it is; fails with NOT_FOUND if there is or was no such run. */
    public CompletableFuture<Ended> outcome(RunId id) {
        synchronized (lock) {
            ActiveRun run = active.get(id);
            if (run != null) {
                return run.waiters().copy();
            }
        }
        // A run leaves memory only after its end is durable, so it is found in one of the two.
        return store.ended(id)
                .map(a -> CompletableFuture.completedFuture(ended(a)))
                .orElseGet(() -> CompletableFuture.failedFuture(Rejected.notFound("there is no run " + id)));
    }

    /**
     * Waits for a run to end.
     *
     * @throws Rejected NOT_FOUND, or TIMEOUT
     */
    public Ended await(RunId id, Duration timeout) {
        try {
            return outcome(id).get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw Rejected.because(Rejected.Reason.TIMEOUT, "run " + id + " is not over after " + timeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failed("waiting for run " + id + ": interrupted", e);
        } catch (ExecutionException e) {
            throw unwrap(e.getCause());
        }
    }

    private static Ended ended(Archived a) {
        return new Ended(a.spec().id(), a.outcome(), a.response().map(Payload::bytes));
    }

    /** The active run of this action and subject: the one that holds others off. */
    public Optional<RunId> activeRun(RunType<?, ?> type, String subject) {
        synchronized (lock) {
            return lanes.holder(type.action(), subject).map(ActiveRun::id);
        }
    }

    public Optional<RunView> get(RunId id) {
        ActiveRun run;
        synchronized (lock) {
            run = active.get(id);
        }
        return run != null ? Optional.of(RunView.of(run)) : store.ended(id).map(RunView::of);
    }

    /**
     * Runs, youngest first: at most {@code limit} of those before the cursor. Ended ones are looked through page by page,
     * within the bound of the history.
     *
     * @param before the last run of the previous page
     */
    public List<RunView> list(RunFilter filter, Optional<RunId> before, int limit) {
        return new Listing(store, this::activeBefore).list(filter, before, limit);
    }

    private Collection<ActiveRun> activeBefore(Optional<RunId> before) {
        synchronized (lock) {
            return List.copyOf((before.isPresent() ? active.headMap(before.get(), false) : active)
                    .descendingMap()
                    .values());
        }
    }

    /** The recorded events of a run, oldest first; empty where it is not known. */
    public List<HistoryEvent> history(RunId id) {
        return store.history(id);
    }

    /** Every run that was started as part of this one, ended ones included. */
    public List<RunId> children(RunId parent) {
        return store.children(parent);
    }

    /** Every change of every run from now on. */
    public Watch watch() {
        return watches.open(id -> true);
    }

    /** The run as it is, and every change of it from now on, its end included. */
    public Watch watch(RunId id) {
        Watch watch = watches.open(id::equals);
        get(id).ifPresent(watch::publish);
        return watch;
    }

    /** Counts and durations of every registered type. */
    public List<TypeMetrics> metrics() {
        synchronized (lock) {
            Map<String, Long> counts = new HashMap<>();
            active.values().forEach(r -> counts.merge(r.spec.type(), 1L, Long::sum));
            return meters.entrySet().stream()
                    .map(e -> e.getValue().snapshot(e.getKey(), counts.getOrDefault(e.getKey(), 0L)))
                    .toList();
        }
    }

    /** How the named queues stand. */
    public List<QueueView> queues() {
        synchronized (lock) {
            return lanes.views();
        }
    }

    public int activeCount() {
        synchronized (lock) {
            return active.size();
        }
    }

    /**
     * Stops without recording anything: steps are interrupted and run again after the restart. Returns when they have
     * returned, at the latest after {@code grace}.
     */
    public boolean shutdown(Duration grace) {
        closing = true;
        pruner.close();
        watches.close();
        List<ActiveRun> running;
        synchronized (lock) {
            running = List.copyOf(active.values());
        }
        running.forEach(loop::interrupt);
        long deadline = clock.monoNanos() + grace.toNanos();
        for (ActiveRun run : running) {
            if (!loop.idle(run, deadline)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        shutdown(Duration.ofSeconds(5));
    }

    private void broken(Throwable why) {
        synchronized (lock) {
            if (broken != null) {
                return;
            }
            broken = why;
            closing = true;
        }
        LOG.log(System.Logger.Level.ERROR, "the engine of runs stops", why);
        fatal.accept(why);
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
            case null, default -> new Failed("waiting for a run", cause);
        };
    }

    /** The engine as the single runs see it. */
    private final class House implements RunLoop.House {
        @Override
        public void changed(ActiveRun run) {
            watches.publish(run);
        }

        @Override
        public void finished(ActiveRun run, Outcome outcome) {
            if (run.meter != null) {
                run.meter.ended(outcome, (clock.wallMillis() - run.spec.created()) * 1_000_000);
            }
            forget(run);
            pruner.ended();
            CompletableFuture<Ended> waiters;
            synchronized (run) {
                waiters = run.waiters;
            }
            if (waiters != null) {
                waiters.complete(new Ended(run.id(), outcome, run.response.map(Payload::bytes)));
            }
        }

        @Override
        public void readmit(ActiveRun run) {
            List<ActiveRun> admitted;
            synchronized (lock) {
                admitted = lanes.ready(run);
            }
            letIn(admitted);
        }

        @Override
        public void fatal(Throwable why) {
            broken(why);
        }

        @Override
        public boolean closing() {
            return closing;
        }
    }
}
