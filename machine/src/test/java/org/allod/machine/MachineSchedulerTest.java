package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.soak.Scratch;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;

/** Schedules over days, on a clock that jumps, through restarts of the daemon; runs and records are on real databases. */
class MachineSchedulerTest {
    private static final String HOURLY = "{\"image\":\"web\",\"schedule\":\"hourly\"}";

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-11-22T10:17:05Z"));
    private final TestHost host = new TestHost(time, time);
    private final List<Instant> starts = new CopyOnWriteArrayList<>();
    private volatile boolean full;
    private Database database;
    private Engine engine;
    private MachineScheduler scheduler;

    private void daemon(Path folder) {
        database = Database.open(folder.resolve("runs.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()));
        engine = Engine.on(
                database,
                time,
                time,
                Rng.seeded(1),
                new IdGenerator(time, Rng.seeded(starts.size() + 2)),
                EngineOptions.defaults(),
                e -> {
                    throw new AssertionError(e);
                });
        host.restart();
        scheduler = new MachineScheduler(engine, host.index, host.records, time, m -> {
            if (full) {
                throw RejectedException.because(RejectedException.Reason.CAPACITY, "no room");
            }
            starts.add(time.wall());
        });
        engine.register(scheduler.type());
        host.index.listen(scheduler::follow);
        engine.resume();
        scheduler.recover();
    }

    private void down() {
        engine.shutdown(Duration.ofSeconds(1));
        engine.close();
        database.close();
    }

    private boolean onRecord() {
        return engine.activeRun(scheduler.type(), TestHost.ID.text()).isPresent();
    }

    private void pass(Duration by) throws InterruptedException {
        oneStart("time passes by " + by, () -> time.advance(by));
    }

    /** Something happens, and with it one start; the next run is then on record, and its time is set. */
    private void oneStart(String when, Runnable happens) throws InterruptedException {
        int before = starts.size();
        var old = engine.activeRun(scheduler.type(), TestHost.ID.text());
        happens.run();
        until(
                () -> starts.size() == before + 1
                        && onRecord()
                        && !engine.activeRun(scheduler.type(), TestHost.ID.text())
                                .equals(old),
                "one start when " + when);
        Thread.sleep(100); // the engine sets its timer just after the run is on record
    }

    @Test
    void schedule_survivesTheDaemon_andMakesUpOnceForWhatWasMissed() throws Exception {
        Path folder = Scratch.folder("allod-schedule");
        host.machine(MachineState.STOPPED, HOURLY);
        daemon(folder);
        until(this::onRecord, "the first run");
        Thread.sleep(100);
        time.advance(Duration.ofMinutes(59));
        assertThat(starts).isEmpty();
        pass(Duration.ofMinutes(1));
        pass(Duration.ofHours(1));
        assertThat(starts).containsExactly(at("11:17:05"), at("12:17:05"));
        down();
        time.advance(Duration.ofMinutes(30));
        daemon(folder);
        assertThat(starts).hasSize(2);
        pass(Duration.ofMinutes(30));
        oneStart("five times were missed", () -> {
            down();
            time.advance(Duration.ofHours(5).plusMinutes(10));
            daemon(folder);
        });
        pass(Duration.ofMinutes(50));
        assertThat(starts).endsWith(at("13:17:05"), at("18:27:05"), at("19:17:05"));
        down();
        host.close();
    }

    @Test
    void machineThatCannotBeStarted_isTriedAtItsNextTime_andOneThatIsGoneIsForgotten() throws Exception {
        Path folder = Scratch.folder("allod-schedule");
        Machine m = host.machine(MachineState.STOPPED, HOURLY);
        daemon(folder);
        until(this::onRecord, "the first run");
        Thread.sleep(100);
        full = true;
        var first = engine.activeRun(scheduler.type(), TestHost.ID.text());
        time.advance(Duration.ofHours(1));
        until(
                () -> onRecord()
                        && !engine.activeRun(scheduler.type(), TestHost.ID.text())
                                .equals(first),
                "the next");
        Thread.sleep(100);
        assertThat(host.table.events(TestHost.ID, 5).toString()).contains("no room");
        full = false;
        pass(Duration.ofHours(1));
        host.records.transition(m.id(), MachineState.DESTROYED, MachineRecords.Note.of("destroy", "user"));
        until(() -> !onRecord(), "no run of a machine that is gone");
        down();
        host.close();
    }

    private static Instant at(String clock) {
        return Instant.parse("2026-11-22T" + clock + "Z");
    }

    private static void until(BooleanSupplier condition, String what) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within 10 s: " + what);
            }
            Thread.onSpinWait();
        }
    }
}
