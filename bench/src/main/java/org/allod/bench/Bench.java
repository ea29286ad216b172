package org.allod.bench;

import java.util.List;

/** Entry point of {@code ./allod bench}. */
public final class Bench {
    private static final List<Benchmark> ALL = List.of(
            new TransitionsBench(),
            new RecoveryBench(),
            new WakeBench(),
            new WakeMicroVmBench(),
            new WakeStormBench(),
            new CreateBench(),
            new CreateMicroVmBench(),
            new ChurnBench(),
            new ExecBench(),
            new ExecMicroVmBench(),
            new EdgeBench(),
            new DaemonBench(),
            new MemoryBench(),
            new CliBench(),
            new VolumeForkBench(),
            new RecordsBench(),
            new StoppedBench(),
            new StateBench());

    private Bench() {}

    public static void main(String[] args) {
        System.exit(run(List.of(args)));
    }

    /** Without a name, lists what there is. */
    static int run(List<String> args) {
        String wanted = args.isEmpty() ? "" : args.getFirst();
        for (Benchmark benchmark : ALL) {
            if (benchmark.name().equals(wanted)) {
                return benchmark.run(args.subList(1, args.size()));
            }
        }
        if (wanted.isEmpty()) {
            list(System.out);
            return 0;
        }
        System.err.println("there is no benchmark '" + wanted + "'");
        list(System.err);
        return 2;
    }

    private static void list(java.io.PrintStream to) {
        to.println("usage: allod bench NAME [--json] [options]");
        ALL.forEach(b -> to.printf("  %-14s %s%n", b.name(), b.purpose()));
    }
}
