package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.allod.base.Ids;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.Test;

/** Who found a run before it left and asks for its end only afterwards is told at once, not left to wait for ever. */
class LateWaiterTest {
    @Test
    void waiter_thatComesAfterTheEnd_isTold() {
        SystemClock clock = new SystemClock();
        EngineOptions options = EngineOptions.defaults();
        RunType<String, String> type = RunType.named("t")
                .codec(Codec.text(), Codec.text())
                .step("a", c -> "done")
                .build();
        try (SystemTimers timers = new SystemTimers()) {
            var store = SimulatedStore.immediate(new SimulatedDisk(), timers);
            Roster roster = new Roster(options);
            roster.register(type);
            roster.resume(List.of());
            var pruner = new Pruner(store, clock, Runnable::run, options);
            var dispatcher = new Dispatcher(
                    store,
                    clock,
                    timers,
                    Rng.seeded(1),
                    Runnable::run,
                    options,
                    roster,
                    new Watches(1),
                    pruner,
                    why -> {});
            RunSpec spec = FoldTest.spec(new RunId(new Ids(clock, Rng.seeded(2)).ulid()), 1);
            ActiveRun found = roster.join(type, "m", StartOptions.none(), false, () -> spec);
            dispatcher.finished(found, new Outcome.Completed());
            assertThat(found.waiters())
                    .isCompletedWithValueMatching(ended -> ended.outcome().equals(new Outcome.Completed()));
        }
    }
}
