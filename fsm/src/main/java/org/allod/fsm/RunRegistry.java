package org.allod.fsm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.allod.base.Bug;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/**
 * The registered run types, the active runs, their admission, and the runs that wait for another one. It decides which
 * runs may join and which may continue when one leaves; {@link RunScheduler} acts on that. Safe from any thread; it
 * makes no calls out of its lock.
 */
final class RunRegistry {
    private static final System.Logger LOG = System.getLogger(RunRegistry.class.getName());

    private final EngineOptions options;
    private final Map<String, RunType<?, ?>> types = new TreeMap<>();
    private final Map<String, RunTypeStats> meters = new TreeMap<>();
    private final NavigableMap<RunId, ActiveRun> active = new TreeMap<>();
    private final Map<RunId, List<ActiveRun>> followers = new HashMap<>();
    private final AdmissionControl admission;
    private boolean resumed;

    RunRegistry(EngineOptions options) {
        this.options = options;
        this.admission = new AdmissionControl(options.queues());
    }

    synchronized void register(RunType<?, ?> type) {
        if (resumed) {
            throw new Bug("run type " + type.name() + " registered after resume");
        }
        if (types.putIfAbsent(type.name(), type) != null) {
            throw new Bug("run type " + type.name() + " registered twice");
        }
        meters.put(type.name(), new RunTypeStats(type));
    }

    synchronized List<RunType<?, ?>> types() {
        return List.copyOf(types.values());
    }

    /** Adds the runs that the last process left active. Call once. */
    synchronized List<ActiveRun> resume(List<ActiveRunRecord> found) {
        if (resumed) {
            throw new Bug("resume called twice");
        }
        resumed = true;
        List<ActiveRun> back = new ArrayList<>(found.size());
        for (ActiveRunRecord r : found) {
            back.add(recover(r));
        }
        return back;
    }

    private ActiveRun recover(ActiveRunRecord r) {
        RunType<?, ?> type = types.get(r.spec().type());
        if (type == null) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "run {0} of {1} is kept but not executed: there is no such run type in this program",
                    r.spec().id(),
                    r.spec().type());
        }
        ActiveRun run = new ActiveRun(r.spec(), type, meters.get(r.spec().type()), true, r.position(), r.state());
        run.response = r.response();
        run.error = r.error();
        run.durable = true;
        r.spec().queue().filter(q -> !admission.hasQueue(q)).ifPresent(q -> {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "run {0} is in queue ''{1}'', which is no longer configured: one run at a time",
                    r.spec().id(),
                    q);
            admission.addQueue(q);
        });
        active.put(run.id(), run);
        admission.join(run);
        return run;
    }

    /**
     * Adds a new run, if the bounds allow it. It is marked busy, so that nothing is recorded for it before its start.
     *
     * @param afterEnded whether the run that it is to follow has ended
     * @param spec called under the lock, so that runs are numbered in the order in which they join
     */
    synchronized ActiveRun join(
            RunType<?, ?> type, String subject, StartOptions how, boolean afterEnded, Supplier<RunSpec> spec) {
        admissible(type, subject, how, afterEnded);
        ActiveRun run = new ActiveRun(
                spec.get(), type, meters.get(type.name()), false, LogPosition.NONE, new RunState.Waiting());
        run.busy = true;
        active.put(run.id(), run);
        admission.join(run);
        return run;
    }

    static String startErrorPrefix(RunType<?, ?> type, String subject) {
        return "starting " + type.name() + " for " + subject + ": ";
    }

    private void admissible(RunType<?, ?> type, String subject, StartOptions how, boolean afterEnded) {
        String what = startErrorPrefix(type, subject);
        if (!resumed) {
            throw new Bug(what + "the engine has not resumed yet");
        }
        if (!types.containsKey(type.name())) {
            throw new Bug(what + "this run type is not registered");
        }
        if (active.size() >= options.active()) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    what + "there are " + active.size() + " active runs, the bound",
                    "try again later");
        }
        how.queue().ifPresent(q -> queueHasRoom(what, q));
        how.after().filter(a -> !afterEnded && !active.containsKey(a)).ifPresent(a -> {
            throw RejectedException.notFound(what + "the run to wait for, " + a + ", is not known");
        });
        how.parent().filter(p -> !active.containsKey(p)).ifPresent(p -> {
            throw RejectedException.notFound(what + "the parent run " + p + " is not active");
        });
        if (how.queue().isEmpty()) {
            admission.holder(type.action(), subject).ifPresent(other -> {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        what + "run " + other.id() + " (" + other.spec.type() + ") is active for it",
                        "wait for run " + other.id() + " or cancel it");
            });
        }
    }

    private void queueHasRoom(String what, String queue) {
        if (!admission.hasQueue(queue)) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    what + "there is no queue '" + queue + "'",
                    "the queues are " + new TreeSet<>(options.queues().keySet()));
        }
        if (admission.full(queue, options.waiting())) {
            throw RejectedException.because(
                    RejectedException.Reason.CAPACITY,
                    what + options.waiting() + " runs wait in queue '" + queue + "', the bound",
                    "try again later");
        }
    }

    synchronized void durable(ActiveRun run) {
        run.durable = true;
    }

    /** Marks a run as ready to begin or continue; returns the runs that may execute now. */
    synchronized List<ActiveRun> ready(ActiveRun run) {
        if (!active.containsKey(run.id()) || (run.state instanceof RunState.Waiting && follows(run))) {
            return List.of();
        }
        return admission.ready(run);
    }

    private boolean follows(ActiveRun run) {
        Optional<RunId> after = run.spec.after();
        if (after.isEmpty() || !active.containsKey(after.get())) {
            return false;
        }
        followers.computeIfAbsent(after.get(), k -> new ArrayList<>(1)).add(run);
        return true;
    }

    /** The same for a run that asks for admission again, to run its finalizers. */
    synchronized List<ActiveRun> readmit(ActiveRun run) {
        return admission.ready(run);
    }

    /** The runs that may continue because one left: those admitted in its place, and those that waited for its end. */
    record Freed(List<ActiveRun> admitted, List<ActiveRun> followers) {}

    synchronized Freed leave(ActiveRun run) {
        active.remove(run.id());
        List<ActiveRun> admitted = admission.leave(run);
        List<ActiveRun> freed = followers.remove(run.id());
        return new Freed(admitted, freed == null ? List.of() : freed);
    }

    synchronized boolean isActive(ActiveRun run) {
        return active.containsKey(run.id());
    }

    synchronized @Nullable ActiveRun get(RunId id) {
        return active.get(id);
    }

    synchronized List<ActiveRun> children(RunId parent) {
        return active.values().stream()
                .filter(r -> r.spec.parent().filter(parent::equals).isPresent())
                .toList();
    }

    synchronized Optional<RunId> holder(String action, String subject) {
        return admission.holder(action, subject).map(ActiveRun::id);
    }

    synchronized Collection<ActiveRun> before(Optional<RunId> before) {
        return List.copyOf((before.isPresent() ? active.headMap(before.get(), false) : active)
                .descendingMap()
                .values());
    }

    synchronized List<ActiveRun> all() {
        return List.copyOf(active.values());
    }

    synchronized int count() {
        return active.size();
    }

    synchronized List<TypeMetrics> metrics() {
        Map<String, Long> counts = new HashMap<>();
        active.values().forEach(r -> counts.merge(r.spec.type(), 1L, Long::sum));
        return meters.entrySet().stream()
                .map(e -> e.getValue().snapshot(e.getKey(), counts.getOrDefault(e.getKey(), 0L)))
                .toList();
    }

    synchronized List<QueueView> queues() {
        return admission.views();
    }
}
