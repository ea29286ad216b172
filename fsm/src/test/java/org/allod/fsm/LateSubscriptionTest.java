package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.Test;

/** Who found a run before it left and asks for its end only afterwards is told at once, not left to wait for ever. */
class LateSubscriptionTest {
    @Test
    void waiter_thatComesAfterTheEnd_isTold() {
        SystemClock clock = new SystemClock();
        EngineOptions options = EngineOptions.defaults();
        RunType<String, String> type = RunType.named("t")
                .codec(Codec.text(), Codec.text())
                .step("a", c -> "done")
                .build();
        try (SystemTimers timers = new SystemTimers()) {
            var store = SimulatedStore.immediate(new SimulatedEventDisk(), timers);
            RunRegistry registry = new RunRegistry(options);
            registry.register(type);
            registry.resume(List.of());
            var pruner = new HistoryPruner(store, clock, Runnable::run, options);
            var scheduler = new RunScheduler(
                    store,
                    clock,
                    timers,
                    Rng.seeded(1),
                    Runnable::run,
                    options,
                    registry,
                    new RunSubscriptions(1),
                    pruner,
                    why -> {});
            RunSpec spec = ActiveTableCheckpointTest.spec(new RunId(new IdGenerator(clock, Rng.seeded(2)).ulid()), 1);
            ActiveRun found = registry.join(type, "m", StartOptions.none(), false, () -> spec);
            scheduler.finished(found, new Outcome.Completed());
            assertThat(found.waiters())
                    .isCompletedWithValueMatching(result -> result.outcome().equals(new Outcome.Completed()));
        }
    }
}
