package org.allod.state;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which change sets a replica has seen. Its invariant: the effect of every change set in here is contained in the
 * replica's rows, or superseded there by a later one (docs/state.md, "what seen means").
 */
public final class VersionVector {
    private final TreeMap<SiteId, NumberSet> sites = new TreeMap<>();

    public VersionVector() {}

    public VersionVector(VersionVector other) {
        other.sites.forEach((site, numbers) -> sites.put(site, new NumberSet(numbers)));
    }

    public boolean contains(Dot dot) {
        NumberSet numbers = sites.get(dot.site());
        return numbers != null && numbers.contains(dot.number());
    }

    /** Adds it; false where it was known. */
    public boolean add(Dot dot) {
        NumberSet numbers = of(dot.site());
        if (numbers.contains(dot.number())) {
            return false;
        }
        numbers.add(dot.number());
        return true;
    }

    public void add(SiteId site, NumberSet numbers) {
        of(site).addAll(numbers);
    }

    public void addAll(VersionVector other) {
        other.sites.forEach(this::add);
    }

    /** Whether everything the other holds is in here. */
    public boolean containsAll(VersionVector other) {
        for (Map.Entry<SiteId, NumberSet> entry : other.sites.entrySet()) {
            NumberSet mine = sites.get(entry.getKey());
            if (!(mine == null ? new NumberSet() : mine).containsAll(entry.getValue())) {
                return false;
            }
        }
        return true;
    }

    private NumberSet of(SiteId site) {
        return sites.computeIfAbsent(site, s -> new NumberSet());
    }

    /** Everything of this site up to here is known; 0 where nothing is. */
    public long head(SiteId site) {
        NumberSet numbers = sites.get(site);
        return numbers == null ? 0 : numbers.head();
    }

    public @Nullable NumberSet get(SiteId site) {
        return sites.get(site);
    }

    /** By site, in order; to read. */
    public SortedMap<SiteId, NumberSet> sites() {
        return java.util.Collections.unmodifiableSortedMap(sites);
    }

    /** How many sites are known not to be known whole. */
    public int sitesWithGaps() {
        int count = 0;
        for (NumberSet numbers : sites.values()) {
            count += numbers.hasGaps() ? 1 : 0;
        }
        return count;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof VersionVector v && v.sites.equals(sites);
    }

    @Override
    public int hashCode() {
        return sites.hashCode();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("{");
        for (Map.Entry<SiteId, NumberSet> entry : sites.entrySet()) {
            text.append(entry.getKey().toString(), 0, 8)
                    .append('=')
                    .append(entry.getValue())
                    .append(' ');
        }
        return text.append('}').toString();
    }
}
