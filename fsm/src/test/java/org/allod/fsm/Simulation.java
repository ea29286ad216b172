package org.allod.fsm;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.allod.fsm.SimulatedWorld.Violation;

/**
 * The whole engine in one thread, from a seed: starts and cancellations on simulated time, while processes crash or
 * shut down, appends fail and flushes and steps are slow. Then everything heals, and every run whose start was
 * acknowledged must end within a bound.
 */
final class Simulation {
    private static final int OPERATIONS = 60;
    private static final Duration BOUND = Duration.ofHours(1);
    private static final Map<String, Integer> CAPS = Map.of("narrow", 1, "wide", 2);

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
    private final SimulatedEventDisk disk = new SimulatedEventDisk();
    private final Rng work;
    private final Rng faults;
    private final Rng slow;
    private final Rng seedling;
    private final IdGenerator ids;
    private final Optional<StoreFault> lie;
    private final SimulatedWorld world;
    private final List<RunId> acknowledged = new ArrayList<>();
    private final TreeSet<RunId> cancelled = new TreeSet<>();
    private SimulatedEngineProcess process;
    private SimulatedStore store;
    private Engine engine;
    private List<RunType<String, String>> types;
    private int processes;

    Simulation(long seed, Optional<StoreFault> lie) {
        seedling = Rng.seeded(seed);
        work = seedling.fork("work");
        faults = seedling.fork("faults");
        slow = seedling.fork("slow");
        ids = new IdGenerator(time, seedling.fork("ids"));
        this.lie = lie;
        world = new SimulatedWorld(seed, time, disk, CAPS);
    }

    /** Runs it all; the log, one line for each thing that happened. */
    List<String> run() {
        Violation.FIRST.remove();
        boot();
        for (int i = 0; i < OPERATIONS; i++) {
            guarded(this::operate);
            pass(Duration.ofMillis(work.nextLong(200)));
        }
        world.healed = true;
        world.log("healed");
        long deadline = time.monoNanos() + BOUND.toNanos();
        while (engine.activeCount() > 0) {
            SimulatedWorld.check(
                    time.monoNanos() < deadline,
                    "still active: " + engine.list(RunFilter.active(), Optional.empty(), 9));
            pass(Duration.ofSeconds(1));
        }
        acknowledged.forEach(this::checkEnded);
        SimulatedWorld.check(disk.load().isEmpty(), "durably active, but not in memory: " + disk.load());
        engine.queues().forEach(q -> SimulatedWorld.check(q.executing() == 0 && q.waiting() == 0, "left in " + q));
        complain();
        return world.log;
    }

    private void checkEnded(RunId id) {
        CompletableFuture<RunResult> outcome = engine.outcome(id);
        SimulatedWorld.check(!outcome.isCompletedExceptionally(), id + " was acknowledged and is not known");
        world.checkEnded(id, outcome.join(), cancelled.contains(id));
    }

    private void pass(Duration by) {
        long until = time.monoNanos() + by.toNanos();
        while (time.monoNanos() < until) {
            guarded(() -> time.advance(Duration.ofNanos(until - time.monoNanos())));
            complain();
        }
    }

    private static void complain() {
        Violation first = Violation.FIRST.get();
        if (first != null) {
            throw first;
        }
    }

    /** A crash unwinds to here; the next process starts at once. */
    private void guarded(Runnable action) {
        try {
            action.run();
        } catch (SimulatedStore.Crash crash) {
            world.log("crash");
            boot();
        }
    }

    private void boot() {
        if (processes++ > 0) {
            process.kill();
            store.kill();
        }
        world.died();
        process = new SimulatedEngineProcess(time, this::slowness);
        SimulatedEngineProcess mine = process;
        store = lie.<SimulatedStore>map(
                        l -> new FaultyStore(disk, mine, this::flush, this::fault, mine::kill, l, seedling.fork("lie")))
                .orElseGet(() -> new SimulatedStore(disk, mine, this::flush, this::fault, mine::kill));
        EngineOptions options = EngineOptions.defaults().queue("narrow", 1).queue("wide", 2);
        engine = new Engine(store, time, mine, seedling.fork("engine" + processes), ids, mine, options, e -> {
            throw new Violation("the engine stopped: " + e);
        });
        types = world.types();
        types.forEach(engine::register);
        world.log("boot, " + engine.resume() + " resumed");
    }

    private void operate() {
        int dice = work.nextInt(100);
        if (dice < 75) {
            start();
        } else if (dice < 90) {
            cancel();
        } else if (dice < 96) {
            world.log("killed");
            boot();
        } else {
            world.log("shut down");
            engine.shutdown(Duration.ofDays(1));
            boot();
        }
    }

    private void start() {
        RunType<String, String> type = types.get(work.nextInt(types.size()));
        String subject = "m" + work.nextInt(4);
        StartOptions how = StartOptions.none();
        int queue = work.nextInt(3);
        if (queue > 0) {
            how = how.queue(queue == 1 ? "narrow" : "wide");
        }
        if (work.chance(0.2)) {
            how = how.delay(Duration.ofMillis(work.nextLong(3000)));
        }
        if (work.chance(0.2) && !acknowledged.isEmpty()) {
            how = how.after(any());
        }
        if (work.chance(0.1) && !acknowledged.isEmpty()) {
            how = how.parent(any());
        }
        try {
            var unused = engine.startAsync(type, subject, "request", how).thenAccept(id -> {
                world.log("acknowledged " + id);
                acknowledged.add(id);
            });
        } catch (RejectedException refused) {
            world.log("refused: " + refused.getMessage());
        }
    }

    private void cancel() {
        if (acknowledged.isEmpty()) {
            return;
        }
        RunId id = any();
        try {
            var unused = engine.cancelAsync(id, "operator").thenRun(() -> {
                world.log("cancelled " + id);
                cancelled.add(id);
            });
        } catch (RejectedException refused) {
            world.log("refused: " + refused.getMessage());
        }
    }

    private RunId any() {
        return acknowledged.get(work.nextInt(acknowledged.size()));
    }

    private Duration slowness() {
        return Duration.ofNanos(1000 * (slow.chance(0.02) ? slow.nextLong(5_000_000) : slow.nextLong(50_000)));
    }

    private Duration flush() {
        return Duration.ofNanos(1000 * (slow.chance(0.02) ? slow.nextLong(500_000) : slow.nextLong(3_000)));
    }

    private SimulatedStore.Fault fault(LogAppend append) {
        double dice = faults.nextDouble();
        if (world.healed) {
            return SimulatedStore.Fault.NONE;
        }
        return dice < 0.01
                ? SimulatedStore.Fault.CRASH_BEFORE
                : dice < 0.02
                        ? SimulatedStore.Fault.CRASH_AFTER
                        : dice < 0.05 ? SimulatedStore.Fault.REFUSED : SimulatedStore.Fault.NONE;
    }
}
