package org.allod.state;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A row's primary key, column by column, in the order of the schema. */
public record RowKey(List<@Nullable Object> values) implements Comparable<RowKey> {
    public RowKey {
        values = Collections.unmodifiableList(new ArrayList<>(values));
    }

    public static RowKey of(@Nullable Object... values) {
        List<@Nullable Object> list = new ArrayList<>();
        Collections.addAll(list, values);
        return new RowKey(list);
    }

    @Override
    public int compareTo(RowKey other) {
        for (int i = 0; i < Math.min(values.size(), other.values.size()); i++) {
            int order = Values.compare(values.get(i), other.values.get(i));
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(values.size(), other.values.size());
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
