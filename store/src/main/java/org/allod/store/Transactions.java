package org.allod.store;

import java.sql.SQLException;

/** The three words around work. A seam: tests pass a {@link Commit} that fails as a dying disk would. */
final class Transactions {
    private Transactions() {}

    /** Makes the open transaction durable. */
    @FunctionalInterface
    interface Commit {
        void commit(Transaction tx) throws SQLException;
    }

    static void begin(Transaction tx) throws SQLException {
        tx.prepared("BEGIN IMMEDIATE").execute();
    }

    static void commit(Transaction tx) throws SQLException {
        tx.prepared("COMMIT").execute();
    }

    /** Ends the open transaction after a failure. */
    static void abandon(Transaction tx) {
        tx.forget();
        rollback(tx);
    }

    /** Ends the open transaction without effect. SQLite may have done so already (a full disk), which is as good. */
    static void rollback(Transaction tx) {
        try {
            tx.prepared("ROLLBACK").execute();
        } catch (SQLException alreadyEnded) {
            // "no transaction is active": SQLite rolled back on its own when it met the error.
        }
    }
}
