package org.allod.machine;

import java.sql.SQLException;
import org.allod.store.Transaction;

/** What another room does when an app is deleted: in the transaction that deletes it, so neither is without the other. */
public interface AppDeletionListener {
    void in(Transaction tx, String app) throws SQLException;

    /** Once that transaction is durable: for what is kept in memory. */
    default void after(String app) {}
}
