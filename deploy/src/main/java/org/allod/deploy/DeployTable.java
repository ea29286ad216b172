package org.allod.deploy;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.base.Bug;
import org.allod.store.Database;

/** The rows of deploys. Every write is durable when it returns. */
final class DeployTable {
    /** How many deploys of an app are kept: enough for rollbacks, and a bound on the space of their configurations. */
    static final int KEPT = 30;

    private static final String COLUMNS = "id, app, number, status, why, source, created, ended, revision, plan, state";

    private final Database database;

    DeployTable(Database database) {
        this.database = database;
    }

    /** Records a new deploy with the app's next number. */
    Deploy add(String id, String app, String source, Plan plan, Instant now) {
        return database.write(tx -> {
            int number = tx.first("SELECT max(number) FROM deploy WHERE app = ?", row -> row.getInt(1), app)
                            .orElse(0)
                    + 1;
            Deploy deploy = new Deploy(
                    id,
                    app,
                    number,
                    DeployStatus.PENDING,
                    "",
                    source,
                    Instant.ofEpochMilli(now.toEpochMilli()),
                    Optional.empty(),
                    1,
                    plan,
                    Optional.empty());
            tx.update(
                    "INSERT INTO deploy (" + COLUMNS + ") VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, NULL)",
                    id,
                    app,
                    number,
                    deploy.status().wire(),
                    "",
                    source,
                    deploy.created().toEpochMilli(),
                    1,
                    DeployJson.write(plan));
            // A deploy that is under way has not ended, so it is never deleted here.
            tx.update("DELETE FROM deploy WHERE app = ?1 AND ended IS NOT NULL AND number <= ?2", app, number - KEPT);
            return deploy;
        });
    }

    void put(Deploy deploy) {
        database.write(tx -> tx.update(
                "UPDATE deploy SET status = ?, why = ?, ended = ?, revision = ?, plan = ?, state = ? WHERE id = ?",
                deploy.status().wire(),
                deploy.why(),
                deploy.ended().map(Instant::toEpochMilli).orElse(null),
                deploy.revision(),
                DeployJson.write(deploy.plan()),
                deploy.state().map(DeployJson::write).orElse(null),
                deploy.id()));
    }

    /** Deletes a deploy that was never acknowledged. */
    void erase(String id) {
        database.write(tx -> tx.update("DELETE FROM deploy WHERE id = ?", id));
    }

    Optional<Deploy> find(String id) {
        return database.read(tx -> tx.first("SELECT " + COLUMNS + " FROM deploy WHERE id = ?", DeployTable::row, id));
    }

    /** The app's deploys, youngest first. */
    List<Deploy> list(String app, int limit) {
        return database.read(tx -> tx.list(
                "SELECT " + COLUMNS + " FROM deploy WHERE app = ? ORDER BY number DESC LIMIT ?",
                DeployTable::row,
                app,
                limit));
    }

    /** Every deploy that has not ended. */
    List<Deploy> open() {
        return database.read(tx -> tx.list("SELECT " + COLUMNS + " FROM deploy WHERE ended IS NULL", DeployTable::row));
    }

    private static Deploy row(ResultSet row) throws SQLException {
        long ended = row.getLong(8);
        boolean over = !row.wasNull();
        String state = row.getString(11);
        return new Deploy(
                row.getString(1),
                row.getString(2),
                row.getInt(3),
                DeployStatus.parse(row.getString(4)).orElseThrow(() -> new Bug("a deploy in a status nobody knows")),
                row.getString(5),
                row.getString(6),
                Instant.ofEpochMilli(row.getLong(7)),
                over ? Optional.of(Instant.ofEpochMilli(ended)) : Optional.empty(),
                row.getLong(9),
                DeployJson.plan(row.getString(10)),
                state == null ? Optional.empty() : Optional.of(DeployJson.state(state)));
    }
}
