package org.allod.bench;

import java.util.List;
import java.util.Locale;

/** One measured thing as it is told: its median and range, its floor's, and what it was to reach. */
final class Verdict {
    private Verdict() {}

    /** Against a floor measured in turns with it: the ratio of the medians counts. */
    static void ratio(boolean json, String what, List<Double> values, List<Double> floors, double target) {
        Figures mine = new Figures(values);
        Figures floor = new Figures(floors);
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

    /** Against a floor measured in turns with it: so many milliseconds more are allowed. */
    static void margin(boolean json, String what, List<Double> values, List<Double> floors, double allowed) {
        bound(json, what, "ms", values, floors, new Figures(floors).median() + allowed);
    }

    /** Against a bound; the floor is only told, and may be empty. */
    static void bound(boolean json, String what, String unit, List<Double> values, List<Double> floors, double target) {
        Figures mine = new Figures(values);
        String verdict = mine.median() <= target ? "met" : "MISSED";
        if (json) {
            System.out.printf(
                    Locale.ROOT,
                    "{\"what\":\"%s\",\"unit\":\"%s\",\"value\":%s,\"floor\":%s,\"target\":%.1f,\"verdict\":\"%s\"}%n",
                    what,
                    unit,
                    mine.json(),
                    floors.isEmpty() ? "null" : new Figures(floors).json(),
                    target,
                    verdict);
        } else {
            String floor = floors.isEmpty()
                    ? ""
                    : String.format(
                            Locale.ROOT,
                            "   floor %s %s, ratio %.1f",
                            new Figures(floors).text(),
                            unit,
                            mine.median() / new Figures(floors).median());
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
