package org.allod.store;

import java.sql.SQLException;

/**
 * Copies the log into the database once it is long enough, after a commit. SQLite can do so by itself, but tells nobody
 * when it fails: on a disk that refuses the file and takes the log, the log would grow for ever, and the flush that failed
 * would be passed over.
 *
 * <p>Belongs to whoever has the writer's turn.
 */
final class WalCheckpointer {
    private final Transaction tx;
    private final WalIndexSpace index;
    private final int pages;

    WalCheckpointer(Transaction tx, WalIndexSpace index, int pages) {
        this.tx = tx;
        this.index = index;
        this.pages = pages;
    }

    /**
     * Outside of a transaction. A reader that still needs the log is no error: the next commit tries again.
     *
     * @throws SQLException where the disk refuses it; the log has every change still
     */
    void runIfDue() throws SQLException {
        if (index.frames() >= pages) {
            var _ = tx.list("PRAGMA wal_checkpoint(PASSIVE)", row -> row.getInt(1));
        }
    }
}
