package org.allod.edge;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * An immutable map by name, split by hash into a fixed number of parts. A map that differs in a few names shares every
 * unchanged part, so that a change costs one part and not the whole. Safe for any thread.
 */
public final class PersistentMap<V> {
    /**
     * Number of parts. A host may have as many apps as machines: of a hundred thousand, a few hundred are in each part.
     */
    private static final int PARTS = 256;

    private static final PersistentMap<?> EMPTY =
            new PersistentMap<>(new ArrayList<>(java.util.Collections.nCopies(PARTS, Map.of())));

    private final List<Map<String, V>> parts;

    private PersistentMap(List<Map<String, V>> parts) {
        this.parts = parts;
    }

    @SuppressWarnings("unchecked") // an empty map holds no value of any type
    public static <V> PersistentMap<V> empty() {
        return (PersistentMap<V>) EMPTY;
    }

    public static <V> PersistentMap<V> of(Map<String, V> all) {
        Map<String, Optional<V>> changes = new HashMap<>();
        all.forEach((name, value) -> changes.put(name, Optional.of(value)));
        return PersistentMap.<V>empty().with(changes);
    }

    private static int part(String name) {
        int hash = name.hashCode();
        return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (PARTS - 1);
    }

    public @Nullable V get(String name) {
        return parts.get(part(name)).get(name);
    }

    /** A map with other values for some names; an empty value removes the name. */
    public PersistentMap<V> with(Map<String, Optional<V>> changes) {
        Map<Integer, Map<String, V>> changed = new HashMap<>();
        changes.forEach((name, value) -> {
            Map<String, V> part = changed.computeIfAbsent(part(name), at -> new HashMap<>(parts.get(at)));
            value.ifPresentOrElse(v -> part.put(name, v), () -> part.remove(name));
        });
        List<Map<String, V>> next = new ArrayList<>(parts);
        changed.forEach((at, part) -> next.set(at, Map.copyOf(part)));
        return new PersistentMap<>(next);
    }

    public void forEach(BiConsumer<String, V> each) {
        parts.forEach(part -> part.forEach(each));
    }

    /** Receives the old and the new value of each name that may have changed; null means absent. */
    interface Change<V, W> {
        @Nullable
        W followed(String name, @Nullable V was, @Nullable V is, @Nullable W before);
    }

    /**
     * Maps each value of this map to another, reusing the results of unchanged parts.
     *
     * @param before the previous version of this map
     * @param ofBefore the results for the previous version
     * @param of computes the result for a value; called only for parts that have changed
     */
    @SuppressWarnings("ReferenceEquality") // an unchanged part is the same object
    <W> PersistentMap<W> compare(PersistentMap<V> before, PersistentMap<W> ofBefore, Change<V, W> of) {
        List<Map<String, W>> next = new ArrayList<>(ofBefore.parts);
        for (int i = 0; i < PARTS; i++) {
            Map<String, V> was = before.parts.get(i);
            Map<String, V> is = parts.get(i);
            if (was == is) {
                continue;
            }
            Map<String, W> known = ofBefore.parts.get(i);
            Map<String, W> part = new HashMap<>();
            is.forEach((name, value) -> {
                W made = of.followed(name, was.get(name), value, known.get(name));
                if (made != null) {
                    part.put(name, made);
                }
            });
            was.forEach((name, value) -> {
                if (!is.containsKey(name)) {
                    var _ = of.followed(name, value, null, known.get(name));
                }
            });
            next.set(i, Map.copyOf(part));
        }
        return new PersistentMap<>(next);
    }
}
