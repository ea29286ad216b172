package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.base.VirtualTime;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StuckStateMonitorTest {
    @TempDir
    Path folder;

    @Test
    void stateBeyondItsBound_isNotedWithWhatBlocksIt_againAndAgain() throws Exception {
        VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
        try (SystemTimers timers = new SystemTimers();
                TestHost host = new TestHost(time, time);
                Database runs = Database.open(
                        folder.resolve("runs.db"), DatabaseOptions.defaults(), List.of(FsmSchema.schema()))) {
            Engine engine = Engine.on(
                    runs,
                    new SystemClock(),
                    timers,
                    Rng.seeded(1),
                    new IdGenerator(time, Rng.seeded(2)),
                    EngineOptions.defaults(),
                    e -> {});
            host.lifecycle.types().forEach(engine::register);
            Leases leases = new Leases(new LeaseTable(host.database), time, id -> true);
            StuckStateMonitor monitor = new StuckStateMonitor(
                    time,
                    engine,
                    new LifecycleDispatcher(
                            engine, host.records, host.index, host.lifecycle, leases, host.guests, time),
                    host.records);
            host.index.listen(monitor::follow);
            host.machine(MachineState.STOPPED, "{\"image\":\"web\"}");
            time.advance(Duration.ofHours(1));
            assertThat(blocked(host)).isZero();
            host.records.transition(TestHost.ID, MachineState.STARTING);
            time.advance(Duration.ofMinutes(4));
            assertThat(blocked(host)).isZero();
            time.advance(Duration.ofMinutes(2));
            awaitBlocked(host, 1);
            assertThat(host.table.events(TestHost.ID, 1).getFirst().request().toString())
                    .contains("starting for more than 5m: no run is at work on it");
            time.advance(Duration.ofMinutes(6));
            awaitBlocked(host, 2);
            host.records.transition(TestHost.ID, MachineState.STARTED);
            time.advance(Duration.ofHours(1));
            assertThat(blocked(host)).isEqualTo(2);
            engine.shutdown(Duration.ofSeconds(1));
        }
    }

    private static long blocked(TestHost host) {
        return host.table.events(TestHost.ID, 100).stream()
                .filter(e -> e.type().equals("blocked"))
                .count();
    }

    /** The note is written on a thread of its own. */
    private static void awaitBlocked(TestHost host, int count) throws InterruptedException {
        for (int i = 0; i < 500 && blocked(host) < count; i++) {
            Thread.sleep(10);
        }
        assertThat(blocked(host)).isEqualTo(count);
        // The next watch begins after the note.
        Thread.sleep(50);
    }
}
