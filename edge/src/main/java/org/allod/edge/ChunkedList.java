package org.allod.edge;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.RandomAccess;
import java.util.function.Function;

/**
 * An immutable list in chunks. A list that differs in a few elements shares every unchanged chunk ({@link #with}), so
 * that a change costs one chunk however long the list is, and a reader that follows changes visits each shared chunk
 * only once. Safe for any thread.
 */
public final class ChunkedList<T> extends AbstractList<T> implements RandomAccess {
    /** Maximum elements of a chunk: a change copies that many, and one reference for each chunk. */
    static final int MOST = 128;

    private static final ChunkedList<?> EMPTY = new ChunkedList<>(new Object[][] {{}});

    private final Object[][] pieces;
    /** The index of each chunk's first element, followed by the size. */
    private final int[] starts;

    private ChunkedList(Object[][] pieces) {
        this.pieces = pieces;
        starts = new int[pieces.length + 1];
        for (int i = 0; i < pieces.length; i++) {
            starts[i + 1] = starts[i] + pieces[i].length;
        }
    }

    @SuppressWarnings("unchecked") // an empty list holds no element of any type
    public static <T> ChunkedList<T> empty() {
        return (ChunkedList<T>) EMPTY;
    }

    /** A list of the same elements; the same object if it already is a chunked list. */
    @SuppressWarnings("unchecked") // every element read from it is a T
    static <T> ChunkedList<T> of(Collection<? extends T> all) {
        if (all instanceof ChunkedList<?> already) {
            return (ChunkedList<T>) already;
        }
        List<Object[]> cut = new ArrayList<>();
        cut(new ArrayList<>(all), element -> element, cut);
        return made(cut);
    }

    private static <T> ChunkedList<T> made(List<Object[]> pieces) {
        return pieces.isEmpty() ? empty() : new ChunkedList<>(pieces.toArray(Object[][]::new));
    }

    /** Cuts a list into chunks of about the same size. Elements with the same key stay in one chunk. */
    private static <T, K> void cut(List<T> all, Function<? super T, K> key, List<Object[]> into) {
        int parts = (all.size() + MOST - 1) / MOST;
        int from = 0;
        for (int part = 1; part <= parts; part++) {
            int to = Math.max(from, (int) ((long) all.size() * part / parts));
            while (to > from && to < all.size() && key.apply(all.get(to)).equals(key.apply(all.get(to - 1)))) {
                to++;
            }
            if (to > from) {
                into.add(all.subList(from, to).toArray());
            }
            from = to;
        }
    }

    /**
     * A list with other elements for some keys. This list must be sorted by key, and so is the result.
     *
     * @param changes the new elements of each key; an empty list removes the key's elements
     */
    public <K extends Comparable<? super K>> ChunkedList<T> with(
            Map<? extends K, List<T>> changes, Function<? super T, K> key) {
        List<Map.Entry<? extends K, List<T>>> sorted = new ArrayList<>(changes.entrySet());
        sorted.sort((a, b) -> a.getKey().compareTo(b.getKey()));
        List<Object[]> next = new ArrayList<>(pieces.length + 1);
        int from = 0;
        for (int i = 0; i < pieces.length; i++) {
            int to = i + 1 < pieces.length ? before(sorted, from, key.apply(at(i + 1, 0))) : sorted.size();
            if (from == to) {
                next.add(pieces[i]);
            } else {
                cut(merged(i, sorted.subList(from, to), key), key, next);
            }
            from = to;
        }
        next.removeIf(piece -> piece.length == 0);
        ChunkedList<T> made = made(next);
        // A list that has shrunk leaves many small chunks.
        boolean crumbs = next.size() > 8 && made.size() < next.size() * (MOST / 8);
        return crumbs ? made.whole(key) : made;
    }

    private <K> ChunkedList<T> whole(Function<? super T, K> key) {
        List<Object[]> cut = new ArrayList<>();
        cut(this, key, cut);
        return made(cut);
    }

    /** How many of the changes, from index {@code from} on, come before the key. */
    private static <K extends Comparable<? super K>, V> int before(
            List<Map.Entry<? extends K, V>> changes, int from, K key) {
        int to = from;
        while (to < changes.size() && changes.get(to).getKey().compareTo(key) < 0) {
            to++;
        }
        return to;
    }

    private <K extends Comparable<? super K>> List<T> merged(
            int piece, List<Map.Entry<? extends K, List<T>>> changes, Function<? super T, K> key) {
        int length = pieces[piece].length;
        List<T> merged = new ArrayList<>(length + changes.size());
        Iterator<Map.Entry<? extends K, List<T>>> rest = changes.iterator();
        int at = 0;
        while (rest.hasNext()) {
            Map.Entry<? extends K, List<T>> change = rest.next();
            int before = firstFrom(piece, at, change.getKey(), key);
            while (at < before) {
                merged.add(at(piece, at++));
            }
            while (at < length && key.apply(at(piece, at)).compareTo(change.getKey()) == 0) {
                at++;
            }
            merged.addAll(change.getValue());
        }
        while (at < length) {
            merged.add(at(piece, at++));
        }
        return merged;
    }

    /** The first element of a chunk, from {@code at} on, whose key is not less than {@code than}. */
    private <K extends Comparable<? super K>> int firstFrom(int piece, int at, K than, Function<? super T, K> key) {
        int low = at;
        int high = pieces[piece].length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (key.apply(at(piece, middle)).compareTo(than) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Receives the elements of chunks that the other list does not share. */
    interface DifferenceConsumer<T> {
        void element(T element);
    }

    void notIn(ChunkedList<T> other, DifferenceConsumer<T> told) {
        Equivalence alike = new Equivalence(pieces, other.pieces);
        for (int i = alike.head; i < pieces.length - alike.tail; i++) {
            if (alike.of(i) < 0) {
                for (int e = 0; e < pieces[i].length; e++) {
                    told.element(at(i, e));
                }
            }
        }
    }

    /**
     * Maps each element of this list to a value, chunk by chunk, reusing the values of unchanged chunks.
     *
     * @param before the previous version of this list
     * @param ofBefore the values of the previous version; those of unchanged chunks are reused
     */
    <V> ChunkedList<V> compare(ChunkedList<T> before, ChunkedList<V> ofBefore, Function<T, V> of) {
        Equivalence alike = new Equivalence(pieces, before.pieces);
        Object[][] values = new Object[pieces.length][];
        for (int i = 0; i < pieces.length; i++) {
            int same = alike.of(i);
            if (same >= 0) {
                values[i] = ofBefore.pieces[same];
            } else {
                values[i] = new Object[pieces[i].length];
                for (int e = 0; e < values[i].length; e++) {
                    values[i][e] = of.apply(at(i, e));
                }
            }
        }
        return new ChunkedList<>(values);
    }

    /** Finds the chunks that two lists share: usually all but one, so both ends are compared first. */
    private static final class Equivalence {
        final Object[][] pieces;
        final int shift;
        int head;
        int tail;
        private final IdentityHashMap<Object[], Integer> between = new IdentityHashMap<>();

        @SuppressWarnings("ReferenceEquality") // a chunk that was not changed is the same object
        Equivalence(Object[][] pieces, Object[][] others) {
            this.pieces = pieces;
            int shorter = Math.min(pieces.length, others.length);
            while (head < shorter && pieces[head] == others[head]) {
                head++;
            }
            shift = others.length - pieces.length;
            while (tail < shorter - head && pieces[pieces.length - 1 - tail] == others[others.length - 1 - tail]) {
                tail++;
            }
            for (int i = head; i < others.length - tail; i++) {
                between.put(others[i], i);
            }
        }

        /** The index of this chunk in the other list, or a negative number if it is not there. */
        int of(int piece) {
            if (piece < head) {
                return piece;
            }
            return piece >= pieces.length - tail ? piece + shift : between.getOrDefault(pieces[piece], -1);
        }
    }

    @SuppressWarnings("unchecked") // only elements of type T are stored
    private T at(int piece, int index) {
        return (T) pieces[piece][index];
    }

    @Override
    public T get(int index) {
        if (pieces.length == 1) {
            return at(0, index);
        }
        int found = Arrays.binarySearch(starts, index);
        int piece = found >= 0 ? found : -found - 2;
        return at(piece, index - starts[piece]);
    }

    @Override
    public int size() {
        return starts[pieces.length];
    }
}
