package org.allod.state;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which change sets of one site are known: all up to a head, and islands above it. Islands are what broadcast brought
 * out of order; sync closes the gaps between them.
 */
public final class NumberSet {
    /** From first to last, both included. */
    public record Range(long first, long last) {}

    private long head;
    /** Islands above the head: first to last; never adjacent to each other or to the head. */
    private final TreeMap<Long, Long> islands = new TreeMap<>();

    public NumberSet() {}

    public NumberSet(NumberSet other) {
        head = other.head;
        islands.putAll(other.islands);
    }

    /** Everything up to this is known. */
    public long head() {
        return head;
    }

    /** The highest number known. */
    public long last() {
        return islands.isEmpty() ? head : islands.lastEntry().getValue();
    }

    public boolean contains(long number) {
        if (number <= head) {
            return true;
        }
        Map.Entry<Long, Long> island = islands.floorEntry(number);
        return island != null && number <= island.getValue();
    }

    /** Whether everything the other holds is in here. */
    public boolean containsAll(NumberSet other) {
        for (Range range : other.ranges()) {
            Map.Entry<Long, Long> island = islands.floorEntry(range.first());
            boolean inside = range.last() <= head || (island != null && range.last() <= island.getValue());
            if (!inside) {
                return false;
            }
        }
        return true;
    }

    public boolean hasGaps() {
        return !islands.isEmpty();
    }

    /** What is known, in order. */
    public List<Range> ranges() {
        List<Range> result = new ArrayList<>();
        if (head > 0) {
            result.add(new Range(1, head));
        }
        islands.forEach((first, last) -> result.add(new Range(first, last)));
        return result;
    }

    /** What is not known, in order; the last goes on without end. */
    public List<Range> gaps() {
        List<Range> result = new ArrayList<>();
        long from = 1;
        for (Range range : ranges()) {
            if (range.first() > from) {
                result.add(new Range(from, range.first() - 1));
            }
            from = range.last() + 1;
        }
        result.add(new Range(from, Long.MAX_VALUE));
        return result;
    }

    public void add(long number) {
        add(number, number);
    }

    public void add(long first, long last) {
        if (last <= head) {
            return;
        }
        if (first <= head + 1) {
            head = last;
        } else {
            insert(first, last);
        }
        absorb();
    }

    public void addAll(NumberSet other) {
        other.ranges().forEach(r -> add(r.first(), r.last()));
    }

    private void insert(long first, long last) {
        long from = first;
        long to = last;
        Map.Entry<Long, Long> before = islands.floorEntry(first);
        if (before != null && before.getValue() >= first - 1) {
            from = before.getKey();
            to = Math.max(to, before.getValue());
        }
        Map.Entry<Long, Long> next = islands.ceilingEntry(from);
        while (next != null && next.getKey() <= to + 1) {
            to = Math.max(to, next.getValue());
            islands.remove(next.getKey());
            next = islands.ceilingEntry(from);
        }
        islands.put(from, to);
    }

    private void absorb() {
        while (!islands.isEmpty() && islands.firstKey() <= head + 1) {
            head = Math.max(head, islands.pollFirstEntry().getValue());
        }
    }

    /** The same for the same numbers, whatever the order they came in. */
    long mix() {
        long hash = SplitMix64.mix(head);
        for (Map.Entry<Long, Long> island : islands.entrySet()) {
            hash = SplitMix64.mix(hash ^ SplitMix64.mix(island.getKey()) ^ SplitMix64.mix(~island.getValue()));
        }
        return hash;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof NumberSet s && s.head == head && s.islands.equals(islands);
    }

    @Override
    public int hashCode() {
        return (int) mix();
    }

    @Override
    public String toString() {
        return ranges().toString();
    }
}
