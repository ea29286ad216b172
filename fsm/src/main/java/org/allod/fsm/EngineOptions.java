package org.allod.fsm;

import java.time.Duration;
import java.util.Map;

/**
 * Bounds of an engine.
 *
 * @param queues how many runs of each named queue may execute at once
 * @param waiting how many runs may wait in one queue; beyond that a start is refused
 * @param active how many runs may be active; beyond that a start is refused. Each costs under 2 KB besides its payloads
 * @param payload the largest request or response, in bytes
 * @param backoff the wait between attempts of a step
 * @param events how many events are recorded for one run; later failures are counted but add no line to its history
 * @param history how many ended runs are kept
 * @param historyAge how long ended runs are kept
 * @param watch how many events a slow subscriber may be behind before it loses the oldest
 */
public record EngineOptions(
        Map<String, Integer> queues,
        int waiting,
        int active,
        int payload,
        Backoff backoff,
        int events,
        int history,
        Duration historyAge,
        int watch) {
    public EngineOptions {
        queues = Map.copyOf(queues);
    }

    public static EngineOptions defaults() {
        return new EngineOptions(
                Map.of(),
                10_000,
                200_000,
                1 << 20,
                new Backoff(Duration.ofMillis(100), Duration.ofSeconds(5)),
                1000,
                10_000,
                Duration.ofDays(7),
                1024);
    }

    public EngineOptions queue(String name, int cap) {
        Map<String, Integer> more = new java.util.TreeMap<>(queues);
        more.put(name, cap);
        return new EngineOptions(more, waiting, active, payload, backoff, events, history, historyAge, watch);
    }

    public EngineOptions backoff(Backoff other) {
        return new EngineOptions(queues, waiting, active, payload, other, events, history, historyAge, watch);
    }

    public EngineOptions history(int runs, Duration age) {
        return new EngineOptions(queues, waiting, active, payload, backoff, events, runs, age, watch);
    }

    public EngineOptions active(int most) {
        return new EngineOptions(queues, waiting, most, payload, backoff, events, history, historyAge, watch);
    }

    public EngineOptions waiting(int most) {
        return new EngineOptions(queues, most, active, payload, backoff, events, history, historyAge, watch);
    }

    public EngineOptions watch(int behind) {
        return new EngineOptions(queues, waiting, active, payload, backoff, events, history, historyAge, behind);
    }
}
