package org.allod.store;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Something to do inside a transaction. It touches nothing but its {@link Transaction} and may run twice: a batch in which one
 * piece of work fails is rolled back and repeated piece by piece.
 */
@FunctionalInterface
public interface TransactionBody<T extends @Nullable Object> {
    T run(Transaction tx) throws SQLException;
}
