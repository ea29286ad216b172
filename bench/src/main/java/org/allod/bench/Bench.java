package org.allod.bench;

import java.util.List;

/** Entry point of {@code ./allod bench}. */
public final class Bench {
    private static final List<Benchmark> ALL = List.of(new TransitionsBench(), new RecoveryBench(), new CliBench());

    private Bench() {}

    public static void main(String[] args) {
        System.exit(run(List.of(args)));
    }

    static int run(List<String> args) {
        String wanted = args.isEmpty() ? "" : args.getFirst();
        for (Benchmark benchmark : ALL) {
            if (benchmark.name().equals(wanted)) {
                return benchmark.run(args.subList(1, args.size()));
            }
        }
        if (!wanted.isEmpty()) {
            System.err.println("there is no benchmark '" + wanted + "'");
        }
        System.err.println("usage: allod bench NAME [--json] [options]");
        ALL.forEach(b -> System.err.printf("  %-14s %s%n", b.name(), b.purpose()));
        return 2;
    }
}
