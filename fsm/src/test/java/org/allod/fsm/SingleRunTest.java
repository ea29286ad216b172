package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executor;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.Test;

/** A run that is alone goes on by itself: the thread that ends a step also records that. */
class SingleRunTest {
    /** The executor waits for each step, so every step is over before the thread that let it begin does anything else. */
    private static final Executor FASTER_THAN_ITS_STARTER = body -> {
        try {
            Thread.ofVirtual().start(body).join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    };

    @Test
    void endOfStep_howeverShort_isRecordedByTheThreadThatExecutedIt() {
        List<Thread> executed = Collections.synchronizedList(new java.util.ArrayList<>());
        List<Thread> recorded = Collections.synchronizedList(new java.util.ArrayList<>());
        SystemClock clock = new SystemClock();
        try (SystemTimers timers = new SystemTimers()) {
            SimulatedStore.Faults watch = append -> {
                if (append.events().stream().anyMatch(e -> e instanceof Event.StepDone)) {
                    recorded.add(Thread.currentThread());
                }
                return SimulatedStore.Fault.NONE;
            };
            var store = new SimulatedStore(new SimulatedEventDisk(), timers, null, watch, () -> {});
            var engine = new Engine(
                    store,
                    clock,
                    timers,
                    Rng.seeded(1),
                    new IdGenerator(clock, Rng.seeded(2)),
                    FASTER_THAN_ITS_STARTER,
                    EngineOptions.defaults(),
                    why -> {});
            RunType<String, String> type = RunType.named("t")
                    .codec(Codec.text(), Codec.text())
                    .step("a", c -> done(executed))
                    .step("b", c -> done(executed))
                    .step("c", c -> done(executed))
                    .build();
            engine.register(type);
            engine.resume();
            RunId id = engine.start(type, "m", "");
            engine.await(id, Duration.ofSeconds(20));
            engine.close();
        }
        assertThat(executed).hasSize(3);
        assertThat(recorded).isEqualTo(executed);
    }

    private static String done(List<Thread> executed) {
        executed.add(Thread.currentThread());
        return "done";
    }
}
