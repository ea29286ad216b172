package org.allod.sim;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Entry point of {@code ./allod sim}. */
public final class SimMain {
    private static final String USAGE = """
            usage: allod sim [--seeds N] [--seed S] [--hosts N] [--log] [--bug NAME]
                   allod sim --propagation | --detection [--hosts N] [--seed S] [--loss P]
              --seeds N     how many seeds to run, from 1 on (default 20)
              --seed S      run this one seed only, and print its log
              --hosts N     hosts in the fleet (default 7; 1000 with --propagation)
              --log         print the log of every run
              --bug NAME    plant a bug, to see that it is found
              --propagation measure how fast a change reaches all hosts
              --detection   measure how fast all hosts know of a dead one
              --partition S cut the fleet in two for S seconds, and measure how it becomes one""";

    private SimMain() {}

    public static void main(String[] args) {
        System.exit(run(List.of(args)));
    }

    /** 0 where nothing was found, 1 where something was, 2 for wrong use. */
    static int run(List<String> args) {
        try {
            Options options = Options.read(args);
            if (options.partition > 0) {
                return partition(options);
            }
            return options.propagation ? propagation(options) : options.detection ? detection(options) : seeds(options);
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            System.err.println(USAGE);
            return 2;
        }
    }

    private static int seeds(Options options) {
        long first = options.seed == null ? 1 : options.seed;
        long last = options.seed == null ? options.seeds : options.seed;
        int hosts = options.hosts == 0 ? 7 : options.hosts;
        int acknowledged = 0;
        for (long seed = first; seed <= last; seed++) {
            StateSimulation.Result result = new StateSimulation(seed, hosts, options.bug).run();
            if (options.log || options.seed != null || result.violation().isPresent()) {
                result.log().forEach(System.out::println);
            }
            Optional<String> violation = result.violation();
            if (violation.isPresent()) {
                System.out.println("seed " + seed + ": " + violation.get());
                System.out.println("again with: ./allod sim --seed " + seed + " --hosts " + hosts
                        + (options.bug == PlantedBug.NONE ? "" : " --bug " + options.bug));
                return 1;
            }
            acknowledged += result.acknowledged();
        }
        System.out.printf(
                Locale.ROOT,
                "%d seeds, %d hosts: nothing found; %d acknowledged change sets%n",
                last - first + 1,
                hosts,
                acknowledged);
        return 0;
    }

    private static int propagation(Options options) {
        int hosts = options.hosts == 0 ? 1000 : options.hosts;
        long seed = options.seed == null ? 42 : options.seed;
        Propagation.Figures f = new Propagation(seed, hosts, options.loss, 0).run(5, Math.min(hosts, 400));
        System.out.printf(
                Locale.ROOT,
                "%d hosts, loss %.2f: all hosts have a change after p50 %.0f, p99 %.0f, max %.0f ms"
                        + " (floor p50 %.0f, max %.0f); %.3f copies a host, %.1f %% far; %.4f %% delivered;"
                        + " idle %.0f B/s a host%n",
                hosts,
                options.loss,
                f.p50(),
                f.p99(),
                f.max(),
                f.floorP50(),
                f.floorMax(),
                f.copies(),
                100 * f.longHaul(),
                100 * f.delivered(),
                f.idleBytesPerSecond());
        return 0;
    }

    private static int detection(Options options) {
        int hosts = options.hosts == 0 ? 1000 : options.hosts;
        long seed = options.seed == null ? 42 : options.seed;
        Detection.Figures f = new Detection(seed, hosts, options.loss).run(10, 20, 5);
        System.out.printf(
                Locale.ROOT,
                "%d hosts, loss %.2f: %d of 20 deaths are known to all after p50 %.1f, p99 %.1f s; first suspected after p50 %.1f s;"
                        + " falsely declared dead %d, suspected %d%n",
                hosts,
                options.loss,
                f.allKnow().size(),
                f.p50(),
                f.p99(),
                Propagation.at(f.firstSuspects(), 0.5),
                f.falselyDead(),
                f.falselySuspected());
        return 0;
    }

    private static int partition(Options options) {
        int hosts = options.hosts == 0 ? 60 : options.hosts;
        long seed = options.seed == null ? 42 : options.seed;
        PartitionHeal.Figures f = new PartitionHeal(seed, hosts).run(options.partition, 100);
        System.out.printf(
                Locale.ROOT,
                "%d hosts cut in halves for %d s at 100 writes/s: equal %.2f s after it heals; %.2f times the bytes missed%n",
                hosts,
                options.partition,
                f.equalAfter(),
                (double) f.sentBytes() / f.missedBytes());
        return 0;
    }

    private static final class Options {
        int seeds = 20;

        @Nullable
        Long seed;

        int hosts;
        boolean log;
        boolean propagation;
        boolean detection;
        int partition;
        double loss;
        PlantedBug bug = PlantedBug.NONE;

        static Options read(List<String> args) {
            Options options = new Options();
            for (int i = 0; i < args.size(); i++) {
                String name = args.get(i);
                switch (name) {
                    case "--log" -> options.log = true;
                    case "--propagation" -> options.propagation = true;
                    case "--detection" -> options.detection = true;
                    default -> {
                        if (i + 1 == args.size()) {
                            throw new IllegalArgumentException(
                                    "option '" + name + "' is not known, or its value is missing");
                        }
                        options.set(name, args.get(++i));
                    }
                }
            }
            return options;
        }

        private static PlantedBug bug(String name) {
            for (PlantedBug bug : PlantedBug.values()) {
                if (bug.name().equals(name)) {
                    return bug;
                }
            }
            throw new IllegalArgumentException(
                    "--bug " + name + ": there is no such bug; there are " + List.of(PlantedBug.values()));
        }

        private void set(String name, String value) {
            try {
                switch (name) {
                    case "--seeds" -> seeds = Integer.parseInt(value);
                    case "--seed" -> seed = Long.parseLong(value);
                    case "--hosts" -> hosts = Integer.parseInt(value);
                    case "--partition" -> partition = Integer.parseInt(value);
                    case "--loss" -> loss = Double.parseDouble(value);
                    case "--bug" -> bug = bug(value);
                    default -> throw new IllegalArgumentException("option '" + name + "' is not known");
                }
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(name + " " + value + ": not a number", e);
            }
        }
    }
}
