package org.allod.edge;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.allod.base.ConnectionCaps;

/** The counters behind {@link EdgeStats}. Striped, so that event loops do not contend for them. */
final class EdgeCounters {
    private static final List<Integer> BOUNDS =
            List.of(5, 10, 20, 50, 75, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000, 10_000);

    final LongAdder connections = new LongAdder();
    final LongAdder requests = new LongAdder();
    final LongAdder held = new LongAdder();
    final LongAdder wakes = new LongAdder();
    final LongAdder wakeFailures = new LongAdder();
    final LongAdder retries = new LongAdder();
    final LongAdder dials = new LongAdder();
    final LongAdder stops = new LongAdder();
    final LongAdder bytesIn = new LongAdder();
    final LongAdder bytesOut = new LongAdder();
    final AtomicInteger open = new AtomicInteger();
    final AtomicInteger heldNow = new AtomicInteger();

    private final LongAdder[] answers = adders(6);
    private final Map<Problem, LongAdder> problems = new EnumMap<>(Problem.class);
    private final LongAdder[] wakeBuckets = adders(BOUNDS.size() + 1);
    private final LongAdder wakeNanos = new LongAdder();

    EdgeCounters() {
        for (Problem problem : Problem.values()) {
            problems.put(problem, new LongAdder());
        }
    }

    private LongAdder counter(Problem problem) {
        return java.util.Objects.requireNonNull(problems.get(problem));
    }

    void countResponse(int status) {
        answers[Math.min(status / 100, 5)].increment();
    }

    void countRefusal(Problem problem) {
        counter(problem).increment();
        countResponse(problem.status());
    }

    void countWake(long nanos) {
        int bucket = 0;
        while (bucket < BOUNDS.size() && nanos > BOUNDS.get(bucket) * 1_000_000L) {
            bucket++;
        }
        wakeBuckets[bucket].increment();
        wakeNanos.add(nanos);
    }

    EdgeStats snapshot(int inFlight, ConnectionCaps caps) {
        Map<String, Long> byCode = new TreeMap<>();
        for (Problem problem : Problem.values()) {
            long count = counter(problem).sum();
            if (count > 0) {
                byCode.put(problem.code(), count);
            }
        }
        return new EdgeStats(
                connections.sum(),
                caps.refused(),
                caps.refusedByAddress(),
                requests.sum(),
                sums(answers),
                Map.copyOf(byCode),
                held.sum(),
                wakes.sum(),
                wakeFailures.sum(),
                new EdgeStats.Latency(BOUNDS, sums(wakeBuckets), wakeNanos.sum()),
                retries.sum(),
                dials.sum(),
                stops.sum(),
                bytesIn.sum(),
                bytesOut.sum(),
                open.get(),
                heldNow.get(),
                inFlight);
    }

    private static List<Long> sums(LongAdder[] adders) {
        List<Long> sums = new ArrayList<>();
        for (LongAdder adder : adders) {
            sums.add(adder.sum());
        }
        return List.copyOf(sums);
    }

    private static LongAdder[] adders(int count) {
        return Stream.generate(LongAdder::new).limit(count).toArray(LongAdder[]::new);
    }
}
