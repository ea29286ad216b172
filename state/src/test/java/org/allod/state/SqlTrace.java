package org.allod.state;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.Rng;

/** Random SQL on the tables of {@link Trace}: inserts, replaces, upserts, updates of values and keys, deletes. */
final class SqlTrace {
    private final Rng rng;
    private long version;

    SqlTrace(Rng rng) {
        this.rng = rng;
    }

    List<SqlStatement> transaction() {
        List<SqlStatement> statements = new ArrayList<>();
        for (int i = rng.nextInt(4); i >= 0; i--) {
            statements.add(statement());
        }
        return statements;
    }

    private SqlStatement statement() {
        long id = rng.nextInt(4);
        long port = rng.nextInt(4);
        return switch (rng.nextInt(11)) {
            case 0 -> SqlStatement.of("INSERT OR IGNORE INTO svc(id, port) VALUES (?, ?)", id, port);
            case 1 -> SqlStatement.of("INSERT OR REPLACE INTO svc(id, name) VALUES (?, ?)", id, "n" + port);
            case 2 ->
                SqlStatement.of(
                        "INSERT INTO svc(id, port) VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET port = excluded.port",
                        id,
                        port);
            case 3 -> SqlStatement.of("UPDATE svc SET name = ?, load = load + 1 WHERE id = ?", "u" + port, id);
            case 4 -> SqlStatement.of("UPDATE OR REPLACE svc SET id = ? WHERE id = ?", port, id);
            case 5 -> SqlStatement.of("DELETE FROM svc WHERE id = ?", id);
            case 6 -> SqlStatement.of("UPDATE svc SET port = port WHERE id > ?", id);
            case 7 ->
                SqlStatement.of(
                        "INSERT OR REPLACE INTO machine(app, id, epoch, version, state) VALUES (?, ?, ?, ?, ?)",
                        "app" + rng.nextInt(2),
                        id % 2,
                        version / 9,
                        rng.chance(0.1) ? version : ++version,
                        port > 1 ? "started" : null);
            case 8 -> SqlStatement.of("DELETE FROM machine WHERE id = ?", id % 2);
            case 9 -> SqlStatement.of("INSERT OR IGNORE INTO tag VALUES (?, ?)", "t" + id % 2, port % 2);
            default -> SqlStatement.of("DELETE FROM tag WHERE b = ?", port % 2);
        };
    }
}
