package org.allod.bench;

import java.util.List;
import java.util.Locale;

/** One result: its median and range, its floor's, and its target. */
final class ResultRow {
    private ResultRow() {}

    /** Against a floor measured alternately: the ratio of the medians counts. */
    static void ratio(boolean json, String what, List<Double> values, List<Double> floors, double target) {
        Measurements mine = new Measurements(values);
        Measurements floor = new Measurements(floors);
        double ratio = mine.median() / floor.median();
        String verdict = ratio <= target ? "met" : "MISSED";
        if (json) {
            System.out.printf(
                    Locale.ROOT,
                    "{\"what\":\"%s\",\"ms\":%s,\"floor_ms\":%s,\"ratio\":%.3f,\"target_ratio\":%.2f,\"verdict\":\"%s\"}%n",
                    what,
                    mine.json(),
                    floor.json(),
                    ratio,
                    target,
                    verdict);
        } else {
            System.out.printf(
                    Locale.ROOT,
                    "%-28s p50 %s ms   floor %s ms   ratio %.2f   target <= %.1f   %s   (%d runs)%n",
                    what,
                    mine.text(),
                    floor.text(),
                    ratio,
                    target,
                    verdict,
                    values.size());
        }
    }

    /** Against a floor measured alternately: this many milliseconds more are allowed. */
    static void margin(boolean json, String what, List<Double> values, List<Double> floors, double allowed) {
        bound(json, what, "ms", values, floors, new Measurements(floors).median() + allowed);
    }

    /** Many concurrent wakes: the median and the slowest, and how many came up a second. */
    static void storm(boolean json, String what, int count, double p50, double slowest, double target) {
        String verdict = p50 <= target * slowest ? "met" : "MISSED";
        System.out.printf(
                Locale.ROOT,
                json
                        ? "{\"what\":\"storm of %s\",\"count\":%d,\"p50_ms\":%.0f,\"slowest_ms\":%.0f,\"ratio\":%.3f,"
                                + "\"target_ratio\":%.2f,\"per_second\":%.1f,\"verdict\":\"%s\"}%n"
                        : "storm of %-19s %d   p50 %,.0f ms   slowest %,.0f ms   ratio %.2f   target <= %.2f   %.1f a second"
                                + "   %s%n",
                what,
                count,
                p50,
                slowest,
                p50 / slowest,
                target,
                count / slowest * 1_000,
                verdict);
    }

    /** A floor as a rate. */
    static void rate(boolean json, String what, int count, double millis) {
        System.out.printf(
                Locale.ROOT,
                json
                        ? "{\"what\":\"%s\",\"count\":%d,\"ms\":%.0f,\"per_second\":%.1f}%n"
                        : "%-40s %d in %,.0f ms   %.1f a second%n",
                what,
                count,
                millis,
                count / millis * 1_000);
    }

    /** Against a fixed limit; the floor is only reported, and may be empty. */
    static void bound(boolean json, String what, String unit, List<Double> values, List<Double> floors, double target) {
        Measurements mine = new Measurements(values);
        String verdict = mine.median() <= target ? "met" : "MISSED";
        if (json) {
            System.out.printf(
                    Locale.ROOT,
                    "{\"what\":\"%s\",\"unit\":\"%s\",\"value\":%s,\"floor\":%s,\"target\":%.1f,\"verdict\":\"%s\"}%n",
                    what,
                    unit,
                    mine.json(),
                    floors.isEmpty() ? "null" : new Measurements(floors).json(),
                    target,
                    verdict);
        } else {
            String floor = floors.isEmpty()
                    ? ""
                    : String.format(
                            Locale.ROOT,
                            "   floor %s %s, ratio %.1f",
                            new Measurements(floors).text(),
                            unit,
                            mine.median() / new Measurements(floors).median());
            System.out.printf(
                    Locale.ROOT,
                    "%-28s p50 %s %s%s   target <= %,.0f %s   %s   (%d runs)%n",
                    what,
                    mine.text(),
                    unit,
                    floor,
                    target,
                    unit,
                    verdict,
                    values.size());
        }
    }
}
