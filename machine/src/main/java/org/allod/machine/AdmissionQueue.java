package org.allod.machine;

import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Decides which boot goes next: at most {@code bound} at once, the higher class first, first in first out within a
 * class. At most {@link #MAX_PASSED} boots of higher classes pass a waiting class before its oldest boot goes, so no
 * class starves. Pure: it reads no clock and makes no calls. Not thread-safe.
 */
final class AdmissionQueue<T> {
    /** Leaves each lower class every ninth boot, however long a storm of requests lasts. */
    static final int MAX_PASSED = 8;

    /** One class: the boots that wait, and how many of higher classes have passed its oldest. */
    private static final class Line<T> {
        final ArrayDeque<T> items = new ArrayDeque<>();
        int passed;
    }

    private final int bound;
    /** In the order of the classes. */
    private final Map<BootPriority, Line<T>> lines = new EnumMap<>(BootPriority.class);

    private int running;

    AdmissionQueue(int bound) {
        this.bound = bound;
        for (BootPriority priority : BootPriority.values()) {
            lines.put(priority, new Line<>());
        }
    }

    private Line<T> line(BootPriority priority) {
        return Objects.requireNonNull(lines.get(priority));
    }

    void add(T item, BootPriority priority) {
        line(priority).items.add(item);
    }

    /** Removes a boot that has not been admitted; false if it is not waiting. */
    boolean remove(T item) {
        for (Line<T> line : lines.values()) {
            if (line.items.remove(item)) {
                if (line.items.isEmpty()) {
                    line.passed = 0;
                }
                return true;
            }
        }
        return false;
    }

    /** The boot that may begin now, if any; it counts as running until {@link #release}. */
    Optional<T> admit() {
        if (running >= bound) {
            return Optional.empty();
        }
        Line<T> chosen = null;
        for (Line<T> line : lines.values()) {
            if (!line.items.isEmpty() && (chosen == null || line.passed >= MAX_PASSED)) {
                chosen = line;
            }
        }
        if (chosen == null) {
            return Optional.empty();
        }
        boolean lower = false;
        for (Line<T> line : lines.values()) {
            line.passed += lower && !line.items.isEmpty() ? 1 : 0;
            lower |= line == chosen;
        }
        chosen.passed = 0;
        running++;
        return Optional.of(chosen.items.remove());
    }

    /** Ends one admitted boot. */
    void release() {
        running--;
    }

    int bound() {
        return bound;
    }

    int running() {
        return running;
    }

    int waiting(BootPriority priority) {
        return line(priority).items.size();
    }
}
