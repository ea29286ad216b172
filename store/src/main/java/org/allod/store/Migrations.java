package org.allod.store;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.allod.base.FailedException;

/** Migrates the tables of each component to this program's version. Runs on the writer's connection at each open. */
final class Migrations {
    private Migrations() {}

    static void run(Transaction tx, Path file, List<Schema> schemas) throws SQLException {
        tx.update("BEGIN IMMEDIATE");
        boolean done = false;
        try {
            tx.update("CREATE TABLE IF NOT EXISTS schema_version("
                    + "component TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID");
            for (Schema schema : schemas) {
                migrate(tx, file, schema);
            }
            tx.update("COMMIT");
            done = true;
        } finally {
            if (!done && !tx.connection().isClosed()) {
                Transactions.rollback(tx);
            }
        }
    }

    private static void migrate(Transaction tx, Path file, Schema schema) throws SQLException {
        int found = tx.first(
                        "SELECT version FROM schema_version WHERE component = ?",
                        row -> row.getInt(1),
                        schema.component())
                .orElse(0);
        if (found > schema.version()) {
            throw new FailedException(("opening %s: its tables of '%s' have version %d, this program knows up to %d; "
                            + "start the newer program again, or restore the backup made before the upgrade")
                    .formatted(file, schema.component(), found, schema.version()));
        }
        for (int v = found; v < schema.version(); v++) {
            for (String sql : schema.migrations().get(v)) {
                try (var statement = tx.connection().createStatement()) {
                    statement.execute(sql);
                }
            }
        }
        if (found < schema.version()) {
            tx.update(
                    "INSERT INTO schema_version(component, version) VALUES (?, ?) "
                            + "ON CONFLICT(component) DO UPDATE SET version = excluded.version",
                    schema.component(),
                    schema.version());
        }
    }
}
