package org.allod.machine;

import java.sql.SQLException;
import org.allod.store.Transaction;

/**
 * What another room does when an app is deleted. {@link #in} runs in the transaction that deletes the app, so that both
 * happen or neither does; it may run twice, as every transaction may.
 */
public interface AppDeletionListener {
    void in(Transaction tx, String app) throws SQLException;

    /** Called once that transaction is durable, to drop what is kept in memory. */
    default void after(String app) {}
}
