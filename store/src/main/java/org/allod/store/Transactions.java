package org.allod.store;

import java.sql.SQLException;

/** Begin, commit and rollback. Tests pass a {@link Commit} that fails as a failing disk would. */
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

    /** Rolls the open transaction back. SQLite may have done so already, for example on a full disk. */
    static void rollback(Transaction tx) {
        try {
            tx.prepared("ROLLBACK").execute();
        } catch (SQLException alreadyEnded) {
            // "no transaction is active": SQLite rolled back by itself because of the error.
        }
    }
}
