package org.allod.state;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One statement of a client with the values of its parameters, in order. */
public record SqlStatement(String sql, List<@Nullable Object> parameters) {
    public SqlStatement {
        parameters = Collections.unmodifiableList(new ArrayList<>(parameters));
    }

    public static SqlStatement of(String sql, @Nullable Object... parameters) {
        List<@Nullable Object> list = new ArrayList<>();
        Collections.addAll(list, parameters);
        return new SqlStatement(sql, list);
    }
}
