package org.allod.edge;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A map by name, spread over a fixed number of small ones. It never changes; one that differs in a few names shares
 * every part in which it does not differ, so that a change costs a part and not the whole. Safe for any thread.
 */
public final class PersistentMap<V> {
    /** A host may have as many apps as machines: of a hundred thousand, some hundred are in one part. */
    private static final int PARTS = 256;

    private static final PersistentMap<?> EMPTY =
            new PersistentMap<>(new ArrayList<>(java.util.Collections.nCopies(PARTS, Map.of())));

    private final List<Map<String, V>> parts;

    private PersistentMap(List<Map<String, V>> parts) {
        this.parts = parts;
    }

    @SuppressWarnings("unchecked") // of nothing
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

    /** The same with other values for some names; those with none are not in it. */
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

    /** Is told what each name that may have changed was and is; null: not there. */
    interface Change<V, W> {
        @Nullable
        W followed(String name, @Nullable V was, @Nullable V is, @Nullable W before);
    }

    /**
     * A map of what belongs to the values of this one.
     *
     * @param before what this was
     * @param ofBefore what belonged to that
     * @param of what belongs to a value from now on; asked only where a part has changed
     */
    @SuppressWarnings("ReferenceEquality") // a part that was not touched is the same one
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
