package org.allod.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.RunId;
import org.allod.fsm.RunType;

/**
 * Durable transitions a second with K concurrent runs, each started and awaited in a closed loop by its own thread:
 * no-op steps that return 200 bytes, on an engine configured as the daemon's. Beside it, in the same round, the bare
 * flush loop.
 *
 * <p>A transition is one change of a run's state that is on stable storage before the next begins: its start, and each
 * step. The last step and the end of the run are one record.
 */
final class TransitionsBench implements Benchmark {
    @Override
    public String name() {
        return "transitions";
    }

    @Override
    public String purpose() {
        return "durable transitions per second with K runs at once, beside a bare fdatasync loop";
    }

    @Override
    public int run(List<String> args) {
        try {
            measure(new Arguments(
                    args,
                    Map.of(
                            "k",
                            "1,16,256",
                            "steps",
                            "5",
                            "payload",
                            "200",
                            "rounds",
                            "5",
                            "millis",
                            "2000",
                            "dir",
                            "")));
            return 0;
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            return 2;
        } catch (IOException e) {
            System.err.println("benchmark failed: " + e);
            return 1;
        }
    }

    private static void measure(Arguments args) throws IOException {
        Map<Integer, List<Double>> rates = new LinkedHashMap<>();
        Map<Integer, List<Double>> ratios = new LinkedHashMap<>();
        Map<Integer, List<Double>> costs = new LinkedHashMap<>();
        List<Double> floors = new ArrayList<>();
        long nanos = args.number("millis") * 1_000_000L;
        try (TempDir scratch = TempDir.in(args.text("dir"))) {
            // A daemon has run for a while, so every commit path is compiled before the measurement.
            round(scratch, args, 256, nanos);
            round(scratch, args, 1, nanos);
            for (int round = 0; round < args.number("rounds"); round++) {
                double floor = FlushFloor.perSecond(scratch.dir(), nanos / 2);
                floors.add(floor);
                for (int k : args.numbers("k")) {
                    Round r = round(scratch, args, k, nanos);
                    rates.computeIfAbsent(k, x -> new ArrayList<>()).add(r.perSecond());
                    ratios.computeIfAbsent(k, x -> new ArrayList<>()).add(r.perSecond() / floor);
                    costs.computeIfAbsent(k, x -> new ArrayList<>()).add(r.cpuMicros());
                }
            }
        }
        print(args, new Measurements(floors), rates, ratios, costs);
    }

    /** @param cpuMicros CPU time of the whole process for one transition, which a busy machine does not distort */
    private record Round(double perSecond, double cpuMicros) {}

    private static Round round(TempDir parent, Arguments args, int k, long nanos) throws IOException {
        byte[] payload = EngineFixture.payload(args.number("payload"));
        LongAdder transitions = new LongAdder();
        RunType<byte[], byte[]> type = EngineFixture.type(args.number("steps"), c -> {
            transitions.increment();
            return payload;
        });
        try (TempDir scratch = TempDir.in(parent.dir().toString());
                EngineFixture host = new EngineFixture(scratch.dir(), options(), List.of(type))) {
            host.engine.resume();
            long cpu = cpuNanos();
            long begun = System.nanoTime();
            long end = begun + nanos;
            List<Thread> loops = new ArrayList<>();
            for (int i = 0; i < k; i++) {
                String subject = "m" + i;
                loops.add(Thread.ofVirtual().start(() -> {
                    while (System.nanoTime() < end) {
                        RunId id = host.engine.start(type, subject, payload);
                        transitions.increment();
                        host.engine.await(id, Duration.ofMinutes(1));
                    }
                }));
            }
            for (Thread loop : loops) {
                join(loop);
            }
            double count = transitions.sum();
            return new Round(count * 1e9 / (System.nanoTime() - begun), (cpuNanos() - cpu) / count / 1000);
        }
    }

    private static long cpuNanos() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(Duration::toNanos)
                .orElse(0L);
    }

    /** The default history limit: deleting old runs is part of what is measured. */
    private static EngineOptions options() {
        return EngineOptions.defaults();
    }

    private static void join(Thread thread) throws IOException {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }

    private static void print(
            Arguments args,
            Measurements floor,
            Map<Integer, List<Double>> rates,
            Map<Integer, List<Double>> ratios,
            Map<Integer, List<Double>> costs) {
        if (args.json()) {
            StringBuilder json = new StringBuilder("{\"floor\":" + floor.json());
            rates.forEach((k, values) -> json.append(",\"k")
                    .append(k)
                    .append("\":")
                    .append(new Measurements(values).json())
                    .append(",\"ratio")
                    .append(k)
                    .append("\":")
                    .append(new Measurements(ratios.getOrDefault(k, List.of(0.0))).json())
                    .append(",\"cpuMicros")
                    .append(k)
                    .append("\":")
                    .append(new Measurements(costs.getOrDefault(k, List.of(0.0))).json()));
            System.out.println(json.append('}'));
            return;
        }
        System.out.printf(
                "durable transitions per second, %s steps a run, %s B payload; median (range) of %s rounds%n",
                args.text("steps"), args.text("payload"), args.text("rounds"));
        System.out.printf("%-28s %s%n", "floor: bare fdatasync loop", floor.text());
        rates.forEach((k, values) -> System.out.printf(
                Locale.ROOT,
                "%-28s %-28s %6.2f x floor   %5.1f us of processor each%n",
                "K=" + k,
                new Measurements(values).text(),
                new Measurements(ratios.getOrDefault(k, List.of(0.0))).median(),
                new Measurements(costs.getOrDefault(k, List.of(0.0))).median()));
        System.out.println("targets: K=1 at least 0.7 x floor; K=256 at least 100,000 on a quiet 2-core machine");
    }
}
