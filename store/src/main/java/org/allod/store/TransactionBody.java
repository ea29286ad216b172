package org.allod.store;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The body of a transaction. It must touch nothing but its {@link Transaction}, since it may run twice: a batch in
 * which one body fails is rolled back, and its bodies are repeated one by one.
 */
@FunctionalInterface
public interface TransactionBody<T extends @Nullable Object> {
    T run(Transaction tx) throws SQLException;
}
