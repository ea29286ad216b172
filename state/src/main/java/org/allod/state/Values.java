package org.allod.state;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Iterator;
import java.util.SortedMap;
import org.allod.base.Bug;
import org.jspecify.annotations.Nullable;

/**
 * SQLite's five kinds of value: {@code null}, {@link Long}, {@link Double}, {@link String}, {@link Blob}; and the order
 * in which they win where two cells have the same version. The order is cr-sqlite's: by kind, NULL below BLOB below TEXT
 * below REAL below INTEGER, then by value, text by its bytes.
 */
public final class Values {
    private Values() {}

    /** What the driver returns, as a value of ours. */
    static @Nullable Object of(@Nullable Object driver) {
        return switch (driver) {
            case null -> null;
            case Integer i -> i.longValue();
            case byte[] b -> new Blob(b);
            case Long l -> l;
            case Double d -> d;
            case String s -> s;
            default -> throw new Bug("a value of class " + driver.getClass().getName() + " is none of SQLite's");
        };
    }

    /** The other way. */
    static @Nullable Object toDriver(@Nullable Object value) {
        return value instanceof Blob b ? b.bytes() : value;
    }

    public static int compare(@Nullable Object a, @Nullable Object b) {
        int byKind = Integer.compare(kind(a), kind(b));
        if (byKind != 0 || a == null || b == null) {
            return byKind;
        }
        return switch (a) {
            case Long l -> Long.compare(l, (Long) b);
            case Double d -> Double.compare(d, (Double) b);
            case String s ->
                Arrays.compareUnsigned(
                        s.getBytes(StandardCharsets.UTF_8), ((String) b).getBytes(StandardCharsets.UTF_8));
            case Blob blob -> Arrays.compareUnsigned(blob.bytes(), ((Blob) b).bytes());
            default -> throw new Bug("a value of class " + a.getClass().getName());
        };
    }

    private static int kind(@Nullable Object value) {
        return switch (value) {
            case null -> 0;
            case Blob b -> 1;
            case String s -> 2;
            case Double d -> 3;
            case Long l -> 4;
            default -> throw new Bug("a value of class " + value.getClass().getName());
        };
    }

    /** Rows by their columns in order of name: the first that differs decides, a column that is missing counts as NULL. */
    static int compareRows(SortedMap<String, @Nullable Object> a, SortedMap<String, @Nullable Object> b) {
        Iterator<String> names = unite(a, b).iterator();
        while (names.hasNext()) {
            String name = names.next();
            int order = compare(a.get(name), b.get(name));
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    private static java.util.Set<String> unite(
            SortedMap<String, @Nullable Object> a, SortedMap<String, @Nullable Object> b) {
        var names = new java.util.TreeSet<>(a.keySet());
        names.addAll(b.keySet());
        return names;
    }
}
