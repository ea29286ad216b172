package org.allod.fsm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.allod.base.FailedException;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;

/**
 * The steps of a simulation and the checks they make: each looks at what is durable at that moment and complains where
 * the engine should not have come this far. What a step does depends on the seed, the run, the step and the attempt
 * alone, so that it does the same after a crash.
 */
final class SimulatedWorld {
    private final long seed;
    private final VirtualTime time;
    private final SimulatedEventDisk disk;
    private final Map<String, Integer> caps;
    final List<String> log = new ArrayList<>();
    final Map<RunId, TreeSet<String>> executed = new TreeMap<>();
    /** Who has begun in this process and is not over: by action and subject, and by queue. */
    private final Map<String, RunId> holders = new HashMap<>();

    private final Map<String, TreeSet<RunId>> queued = new TreeMap<>();
    boolean healed;

    SimulatedWorld(long seed, VirtualTime time, SimulatedEventDisk disk, Map<String, Integer> caps) {
        this.seed = seed;
        this.time = time;
        this.disk = disk;
        this.caps = caps;
    }

    List<RunType<String, String>> types() {
        return List.of(
                type("short", "short", 1, 0),
                type("plain", "life", 3, 0),
                type("ends", "life", 4, 1),
                type("long", "long", 6, 2));
    }

    private RunType<String, String> type(String name, String action, int steps, int finalizers) {
        var builder = RunType.named(name).codec(Codec.text(), Codec.text()).action(action);
        for (int i = 0; i < steps; i++) {
            int step = i;
            builder.step("s" + i, c -> step(c, step));
        }
        for (int i = 0; i < finalizers; i++) {
            int finalizer = i;
            builder.finalizer("f" + i, (c, outcome) -> finalizer(c, finalizer, outcome));
        }
        return builder.build();
    }

    void log(String line) {
        log.add("%12d %s".formatted(time.monoNanos() / 1000, line));
    }

    void died() {
        holders.clear();
        queued.clear();
    }

    private String step(StepContext<String, String> c, int step) {
        log("step " + c.runId() + " " + step + " attempt " + c.attempt());
        ActiveRunRecord durable = durable(c.runId());
        RunState expected = switch (durable.state()) {
            case RunState.Waiting() -> new RunState.Running(0, 1);
            case RunState.Pausing(int s, int attempt) -> new RunState.Running(s, attempt + 1);
            case RunState other -> other;
        };
        check(
                expected.equals(new RunState.Running(step, c.attempt())),
                "step " + step + " attempt " + c.attempt() + " executes, but durable is " + durable.state());
        check(
                done(c.runId()).equals(range(step)),
                "step " + step + " executes, but durably done are " + done(c.runId()));
        check(
                c.response().orElse("").equals(answer(step)),
                "step " + step + " saw the response " + c.response() + " instead of " + answer(step));
        check(time.wallMillis() >= durable.spec().notBefore(), "began before its delay was over");
        durable.spec().after().ifPresent(a -> check(over(a), "began before " + a + " had ended"));
        hold(durable.spec(), true);
        executed.computeIfAbsent(c.runId(), k -> new TreeSet<>()).add(c.step());
        return act(c, step);
    }

    private String act(StepContext<String, String> c, int step) {
        double fate = Rng.seeded(seed)
                .fork(c.runId() + "/" + step + "/" + c.attempt())
                .nextDouble();
        if (fate < 0.20) {
            throw new FailedException("no luck at attempt " + (c.attempt() > 2 ? "later" : c.attempt()));
        } else if (fate < 0.22) {
            throw new Abort("not wanted");
        } else if (fate < 0.24) {
            throw new Unrecoverable(Fault.USER, "cannot");
        } else if (fate < 0.25) {
            throw new Handoff(c.runId());
        }
        return answer(step + 1);
    }

    private void finalizer(StepContext<String, String> c, int finalizer, Outcome outcome) {
        log("finalizer " + c.runId() + " " + finalizer + " attempt " + c.attempt() + " " + outcome);
        ActiveRunRecord durable = durable(c.runId());
        RunState expected = switch (durable.state()) {
            case RunState.FinalPausing(Outcome o, int f, int attempt) -> new RunState.Finalizing(o, f, attempt + 1);
            case RunState other -> other;
        };
        check(
                expected.equals(new RunState.Finalizing(outcome, finalizer, c.attempt())),
                "finalizer " + finalizer + " executes, but durable is " + durable.state());
        hold(durable.spec(), false);
        executed.computeIfAbsent(c.runId(), k -> new TreeSet<>()).add(c.step());
        Rng rng = Rng.seeded(seed).fork(c.runId() + "/f" + finalizer + "/" + c.attempt());
        if (rng.chance(0.2)) {
            throw new FailedException("the finalizer had no luck");
        }
    }

    /** At most one run of an action and subject has begun and not ended, and of a queue no more than its cap. */
    private void hold(RunSpec spec, boolean slot) {
        RunId holder = holders.put(spec.action() + "/" + spec.subject(), spec.id());
        check(
                holder == null || holder.equals(spec.id()) || over(holder),
                spec.id() + " executes beside " + holder + ", both of " + spec.action() + " " + spec.subject());
        spec.queue().filter(q -> slot).ifPresent(q -> {
            TreeSet<RunId> members = queued.computeIfAbsent(q, k -> new TreeSet<>());
            members.add(spec.id());
            members.removeIf(this::over);
            check(members.size() <= caps.get(q), "queue " + q + " executes " + members);
        });
    }

    private boolean over(RunId id) {
        return disk.durable(id).map(r -> r.state() instanceof RunState.Finished).orElse(true);
    }

    private ActiveRunRecord durable(RunId id) {
        return disk.durable(id).orElseThrow(() -> new AssertionError(id + " executes, but its start is not durable"));
    }

    private List<Integer> done(RunId id) {
        return disk.events(id).stream()
                .filter(Event.StepDone.class::isInstance)
                .map(e -> ((Event.StepDone) e).step())
                .toList();
    }

    private static List<Integer> range(int n) {
        return java.util.stream.IntStream.range(0, n).boxed().toList();
    }

    private static String answer(int steps) {
        return "#".repeat(steps);
    }

    /** What must hold of a run once everything is over. */
    void checkEnded(RunId id, RunResult result, boolean cancelled) {
        ActiveRunRecord durable = durable(id);
        check(
                durable.state().equals(new RunState.Finished(result.outcome())),
                id + " is told to have " + result.outcome().word() + ", but durable is " + durable.state());
        check(!(cancelled && result.completed()), id + " completed though its cancellation was acknowledged");
        int steps = done(id).size();
        check(done(id).equals(range(steps)), id + " recorded steps " + done(id));
        check(
                !result.completed() || steps == durable.spec().steps().size(),
                id + " completed after " + steps + " steps");
        check(
                durable.response()
                        .map(p -> new String(p.bytes()))
                        .equals(Optional.of(answer(steps)).filter(a -> steps > 0)),
                id + " has response " + durable.response());
        check(
                executed.getOrDefault(id, new TreeSet<>())
                        .containsAll(durable.spec().finalizers()),
                id + " ended without its finalizers");
    }

    static void check(boolean holds, String complaint) {
        if (!holds) {
            throw new Violation(complaint);
        }
    }

    /** Something that must never be. Passes through the engine, which takes it for a failed step; so it is kept. */
    static final class Violation extends AssertionError {
        static final ThreadLocal<Violation> FIRST = new ThreadLocal<>();

        Violation(String complaint) {
            super(complaint);
            if (FIRST.get() == null) {
                FIRST.set(this);
            }
        }
    }
}
