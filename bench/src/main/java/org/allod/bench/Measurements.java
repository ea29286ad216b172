package org.allod.bench;

import java.util.List;
import java.util.Locale;

/** Several measurements of one quantity, reported as their median with the range. */
record Measurements(List<Double> values) {
    Measurements {
        values = values.stream().sorted().toList();
    }

    double median() {
        int n = values.size();
        return n % 2 == 1 ? values.get(n / 2) : (values.get(n / 2 - 1) + values.get(n / 2)) / 2;
    }

    double least() {
        return values.getFirst();
    }

    double most() {
        return values.getLast();
    }

    /** For example {@code 10,400 (9,900-10,800)}. */
    String text() {
        return String.format(Locale.ROOT, "%,.0f (%,.0f-%,.0f)", median(), least(), most());
    }

    String json() {
        return String.format(Locale.ROOT, "{\"median\":%.3f,\"least\":%.3f,\"most\":%.3f}", median(), least(), most());
    }
}
