package org.allod.machine;

import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Decides which boot goes next: no more than {@code bound} at once, the higher class first, first come first served
 * within a class. A class that waits is passed by at most {@link #MAX_PASSED} boots of higher classes before its oldest
 * goes, so no class starves. Pure: it reads no clock and calls nobody. Not thread-safe.
 */
final class AdmissionQueue<T> {
    /** Each lower class keeps a ninth of the host however long a storm of requests lasts. */
    static final int MAX_PASSED = 8;

    /** One class: who waits, and how many of higher classes have gone since its oldest was first. */
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

    /** Takes one out that has not been admitted; false where it is not waiting. */
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

    /** The one that may begin now, if any may; it counts as running until {@link #release}. */
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

    /** One that was admitted is through. */
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
