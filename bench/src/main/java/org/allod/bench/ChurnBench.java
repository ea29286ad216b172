package org.allod.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Many short-lived machines: machines that run {@code true} are created, and all of them destroyed once all have ended.
 * The floor is bare {@code runsc run} of the same, which deletes what it ran, two at a time, before and after. In
 * between, the memory that an ended machine takes in the daemon; at the end, whether anything of any machine is left.
 */
final class ChurnBench extends GuestBench {
    private static final double TARGET = 0.5;
    private static final double KIB_EACH = 20;
    private static final int WARM = 40;
    private static final int AT_ONCE = 2;

    ChurnBench() {
        super(Map.of("machines", "500", "clients", "8"));
    }

    @Override
    public String name() {
        return "churn";
    }

    @Override
    public String purpose() {
        return "500 machines created, run and destroyed, beside bare runsc run";
    }

    @Override
    void measure(Arguments args) throws IOException {
        int machines = args.number("machines");
        try (BenchDaemon daemon = BenchDaemon.serving("--runtime", "gvisor");
                TempDir scratch = TempDir.in("/var/tmp")) {
            LoadClients clients = new LoadClients(daemon, args.number("clients"));
            String model = daemon.machine("model");
            try (BareRunsc bare = new BareRunsc(scratch.dir(), daemon.data(), model)) {
                // Warm up: code that runs for the first time is not measured.
                clients.destroy(clients.live("warm", WARM));
                double heap = Heap.usedKib(daemon.pid());
                List<Double> floors = new ArrayList<>();
                floors.add(floor(bare, machines / 4));
                long began = System.nanoTime();
                List<String> ids = clients.live("life", machines);
                double created = seconds(began);
                double each = (Heap.usedKib(daemon.pid()) - heap) / machines;
                began = System.nanoTime();
                clients.destroy(ids);
                double destroyed = seconds(began);
                floors.add(floor(bare, machines / 4));
                List<String> left = ResourceLeaks.of(daemon.data(), ids);
                tell(args.json(), machines, created, destroyed, floors);
                ResultRow.bound(args.json(), "memory each, ended", "KiB", List.of(each), List.of(), KIB_EACH);
                ResultRow.bound(args.json(), "left of them", "things", List.of((double) left.size()), List.of(), 0);
                left.forEach(System.err::println);
            }
        }
    }

    /** Lifetimes a second. */
    private static double floor(BareRunsc bare, int lives) throws IOException {
        long began = System.nanoTime();
        LoadClients.sideBySide(AT_ONCE, lives, i -> {
            bare.life(i);
            return "";
        });
        return lives / seconds(began);
    }

    private static double seconds(long began) {
        return (System.nanoTime() - began) / 1e9;
    }

    private static void tell(boolean json, int machines, double created, double destroyed, List<Double> floors) {
        double rate = machines / (created + destroyed);
        Measurements floor = new Measurements(floors);
        double ratio = rate / floor.median();
        String verdict = ratio >= TARGET ? "met" : "MISSED";
        System.out.printf(
                Locale.ROOT,
                json
                        ? "{\"what\":\"lives\",\"per_second\":%.1f,\"create_seconds\":%.1f,\"destroy_seconds\":%.1f,"
                                + "\"floor_least\":%.1f,\"floor_most\":%.1f,\"ratio\":%.3f,\"target_ratio\":%.1f,"
                                + "\"verdict\":\"%s\"}%n"
                        : "lives a second %.1f (created in %.1f s, destroyed in %.1f s)   floor %.1f-%.1f   ratio %.2f"
                                + "   target >= %.1f   %s%n",
                rate,
                created,
                destroyed,
                floor.least(),
                floor.most(),
                ratio,
                TARGET,
                verdict);
    }
}
