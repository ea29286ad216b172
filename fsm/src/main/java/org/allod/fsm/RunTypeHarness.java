package org.allod.fsm;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.jspecify.annotations.Nullable;

/**
 * Tests that a run type survives what every run type must survive, on simulated time and a simulated disk:
 *
 * <ul>
 *   <li>each step and finalizer fails once before its effect, and after its effect as often as a step with {@link #TRIES}
 *       attempts may fail;
 *   <li>each is executed twice in a row;
 *   <li>the process dies before and after each append becomes durable, and a new process resumes, with a calendar that is
 *       ten hours ahead or behind in turns;
 *   <li>each step is unrecoverable, and the run is cancelled at each step.
 * </ul>
 *
 * <p>After every scenario except those of the last line, the run must have completed and {@link World#completed} must
 * find the world as after an undisturbed run. After those of the last line, the finalizers must have run and {@link
 * World#halted} must find nothing left behind.
 *
 * <pre>{@code
 * RunTypeHarness.check(time -> new FakeHost(time), start, "m1", request);
 * }</pre>
 */
public final class RunTypeHarness<Q, R> {
    /** The outside world of one scenario; it outlives the processes in it. */
    public interface World<Q, R> {
        /** The type to check, as a newly started process builds it. Called once for each process. */
        RunType<Q, R> type();

        String subject();

        Q request();

        /** Called for each process before its runs resume, for types whose steps start other runs. */
        default void attach(Engine engine) {}

        /** Other types that the process registers. */
        default List<RunType<?, ?>> others() {
            return List.of();
        }

        /** Throws if the world is not as the completed run should leave it. */
        void completed(RunResult result);

        /** Throws if a run that ended early left something behind that it should not. */
        default void halted(RunResult result) {}
    }

    /** The scenarios that were run, so that a test can check that there were some. */
    public record Report(List<String> scenarios) {}

    /** Simulated time within which a run must end once nothing fails any more. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    /** The most tasks of one scenario, so that a run type that loops is reported. */
    private static final int TASKS = 100_000;

    /** The smallest bound on attempts that any step has; the last attempt must succeed. */
    private static final int TRIES = 3;

    /** How far the calendar is off for the next process. */
    private static final Duration STEP = Duration.ofHours(10);

    private final Function<VirtualTime, World<Q, R>> worlds;
    private final List<String> done = new ArrayList<>();

    private RunTypeHarness(Function<VirtualTime, World<Q, R>> worlds) {
        this.worlds = worlds;
    }

    /**
     * Runs every scenario, each in a world of its own.
     *
     * @throws AssertionError naming the scenario that failed
     */
    public static <Q, R> Report check(Function<VirtualTime, World<Q, R>> worlds) {
        var harness = new RunTypeHarness<>(worlds);
        harness.all();
        return new Report(List.copyOf(harness.done));
    }

    private void all() {
        Tally plain = new Tally();
        scenario("undisturbed", Disturbance.NONE, plain::count, true);
        for (String part : plain.parts) {
            scenario("'" + part + "' fails before its effect", once(part, Kind.FAIL_BEFORE), Tally.NONE, true);
            scenario(
                    "'" + part + "' fails after its effect until its last try",
                    once(part, Kind.FAIL_AFTER),
                    Tally.NONE,
                    true);
            scenario("'" + part + "' is repeated", once(part, Kind.REPEAT), Tally.NONE, true);
        }
        for (int n = 1; n <= plain.appends; n++) {
            scenario("crash before record " + n, Disturbance.NONE, nth(n, SimulatedStore.Fault.CRASH_BEFORE), true);
            scenario("crash after record " + n, Disturbance.NONE, nth(n, SimulatedStore.Fault.CRASH_AFTER), true);
            scenario("disk full at record " + n, Disturbance.NONE, nth(n, SimulatedStore.Fault.REFUSED), true);
        }
        for (String part : plain.steps) {
            scenario("'" + part + "' is unrecoverable", once(part, Kind.UNRECOVERABLE), Tally.NONE, false);
            scenario("cancelled during '" + part + "'", once(part, Kind.CANCEL), Tally.NONE, false);
        }
    }

    /** How to disturb one execution of a step. */
    private enum Kind {
        FAIL_BEFORE,
        FAIL_AFTER,
        REPEAT,
        UNRECOVERABLE,
        CANCEL
    }

    private record Disturbance(String part, @Nullable Kind kind) {
        static final Disturbance NONE = new Disturbance("", null);
    }

    private static Disturbance once(String part, Kind kind) {
        return new Disturbance(part, kind);
    }

    /** Learns from an undisturbed run which steps there are and how many appends. */
    private static final class Tally {
        static final SimulatedStore.Faults NONE = append -> SimulatedStore.Fault.NONE;

        int appends;
        List<String> parts = List.of();
        List<String> steps = List.of();

        SimulatedStore.Fault count(LogAppend append) {
            appends++;
            append.start().filter(s -> parts.isEmpty()).ifPresent(spec -> {
                steps = spec.steps();
                parts = new ArrayList<>(steps);
                parts.addAll(spec.finalizers());
            });
            return SimulatedStore.Fault.NONE;
        }
    }

    private static SimulatedStore.Faults nth(int n, SimulatedStore.Fault fault) {
        int[] seen = new int[1];
        return append -> ++seen[0] == n ? fault : SimulatedStore.Fault.NONE;
    }

    private void scenario(String name, Disturbance disturbance, SimulatedStore.Faults faults, boolean completes) {
        try {
            new Scenario(disturbance, faults).run(completes);
        } catch (RuntimeException | Error e) {
            throw new AssertionError("scenario: " + name + ": " + e, e);
        }
        done.add(name);
    }

    /** One world, one run, one disturbance. */
    private final class Scenario {
        private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
        private final SimulatedEventDisk disk = new SimulatedEventDisk();
        private final World<Q, R> world = worlds.apply(time);
        private final Disturbance disturbance;
        private final SimulatedStore.Faults faults;
        private final IdGenerator ids = new IdGenerator(time, Rng.seeded(7));
        private final AtomicReference<@Nullable Throwable> broken = new AtomicReference<>();
        private boolean disturbed;
        private int failures;
        private @Nullable RunId id;
        private @Nullable RunResult result;

        Scenario(Disturbance disturbance, SimulatedStore.Faults faults) {
            this.disturbance = disturbance;
            this.faults = faults;
        }

        void run(boolean completes) {
            // Repeat a start that was not acknowledged, as its caller would; it may have happened.
            for (int processes = 0; result == null; processes++) {
                if (processes > 3) {
                    throw new AssertionError("the run is not over after the process was restarted three times");
                }
                process();
            }
            if (completes && !result.completed()) {
                throw new AssertionError("ended " + result.outcome().word() + ": "
                        + result.outcome().detail());
            }
            if (completes) {
                world.completed(result);
            } else if (result.completed() && !disturbed) {
                throw new AssertionError("the disturbance never happened");
            } else {
                world.halted(result);
            }
        }

        private void process() {
            SimulatedEngineProcess process = new SimulatedEngineProcess(time, () -> Duration.ofMillis(1));
            var store = new SimulatedStore(disk, process, null, faults, process::kill);
            Engine engine = new Engine(
                    store, time, process, Rng.seeded(8), ids, process, EngineOptions.defaults(), broken::set);
            RunType<Q, R> type = disturbed(world.type(), engine);
            engine.register(type);
            world.others().forEach(engine::register);
            world.attach(engine);
            try {
                engine.resume();
                if (id == null) {
                    id = engine.activeRun(type, world.subject()).orElseGet(() -> start(engine, type));
                }
                drive(process, engine.outcome(id));
            } catch (SimulatedStore.Crash crash) {
                // Set the calendar before the next process resumes.
                time.step(done.size() % 2 == 0 ? STEP : STEP.negated());
            }
        }

        private RunId start(Engine engine, RunType<Q, R> type) {
            try {
                return engine.start(type, world.subject(), world.request());
            } catch (FailedException diskFull) {
                return engine.start(type, world.subject(), world.request());
            }
        }

        private void drive(SimulatedEngineProcess process, CompletableFuture<RunResult> outcome) {
            long deadline = time.monoNanos() + PATIENCE.toNanos();
            for (int i = 0; !outcome.isDone() && !process.dead(); i++) {
                if (i > TASKS || time.monoNanos() > deadline || !time.step()) {
                    throw new AssertionError("the run does not end: " + (id == null ? "" : disk.history(id)));
                }
                if (broken.get() != null) {
                    throw new AssertionError("the engine stopped", broken.get());
                }
            }
            result = outcome.isDone() ? outcome.join() : null;
        }

        private RunType<Q, R> disturbed(RunType<Q, R> type, Engine engine) {
            return type.decorate(
                    (part, step) -> part.equals(disturbance.part()) ? disturb(step, engine) : step,
                    (part, finalizer) -> part.equals(disturbance.part()) ? disturb(finalizer) : finalizer);
        }

        private Step<Q, R> disturb(Step<Q, R> step, Engine engine) {
            return c -> {
                Kind kind = disturbance.kind();
                if (disturbed || kind == null) {
                    return step.run(c);
                }
                disturbed = kind != Kind.FAIL_AFTER || ++failures == TRIES - 1;
                return switch (kind) {
                    case FAIL_BEFORE -> throw new FailedException("injected before the effect");
                    case FAIL_AFTER -> {
                        step.run(c);
                        throw new FailedException("injected after the effect");
                    }
                    case REPEAT -> {
                        step.run(c);
                        yield step.run(c);
                    }
                    case UNRECOVERABLE -> throw new Unrecoverable(Fault.SYSTEM, "injected");
                    case CANCEL -> {
                        engine.cancelAsync(c.runId(), "injected").join();
                        yield step.run(c);
                    }
                };
            };
        }

        private Finalizer<Q, R> disturb(Finalizer<Q, R> finalizer) {
            return (c, outcome) -> {
                if (!disturbed && disturbance.kind() == Kind.FAIL_BEFORE) {
                    disturbed = true;
                    throw new FailedException("injected before the effect");
                }
                finalizer.run(c, outcome);
                if (!disturbed && disturbance.kind() == Kind.FAIL_AFTER) {
                    disturbed = ++failures == TRIES - 1;
                    throw new FailedException("injected after the effect");
                }
                if (!disturbed && disturbance.kind() == Kind.REPEAT) {
                    disturbed = true;
                    finalizer.run(c, outcome);
                }
            };
        }
    }
}
