package org.allod.state;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.allod.base.RejectedException;
import org.allod.store.Transaction;

/**
 * Allows a client's statement to write replicated tables and nothing else. SQLite itself tells what a statement will
 * do: its program ({@code EXPLAIN}) is inspected before it runs.
 */
final class StatementGuard {
    private static final Set<String> FIRST_WORDS =
            Set.of("insert", "update", "delete", "replace", "with", "select", "values");
    private static final Set<String> FORBIDDEN = Set.of(
            "AutoCommit",
            "Savepoint",
            "ParseSchema",
            "CreateBtree",
            "Destroy",
            "DropTable",
            "DropIndex",
            "DropTrigger",
            "Vacuum",
            "IncrVacuum",
            "JournalMode",
            "Checkpoint",
            "SetCookie",
            "VCreate",
            "VDestroy",
            "VUpdate",
            "LoadAnalysis");

    private StatementGuard() {}

    /** @throws RejectedException saying what about the statement is not allowed */
    static void check(Transaction tx, ReplicatedTables layout, String sql) throws SQLException {
        String rest = SqlText.first(sql);
        String word = SqlText.firstWord(rest);
        if (!FIRST_WORDS.contains(word)) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "the statement begins with '" + word + "'",
                    "a transaction may hold INSERT, UPDATE, DELETE, REPLACE, WITH and SELECT; tables are made by the schema files");
        }
        Map<Integer, String> roots = new HashMap<>();
        for (var entry : tx.list(
                "SELECT rootpage, tbl_name FROM main.sqlite_schema WHERE rootpage > 0",
                row -> Map.entry(row.getInt(1), row.getString(2)))) {
            roots.put(entry.getKey(), entry.getValue());
        }
        for (Step step : program(tx, sql)) {
            if (FORBIDDEN.contains(step.opcode)) {
                throw RejectedException.invalid("the statement does more than write rows (" + step.opcode + ")");
            }
            boolean writes = step.opcode.equals("OpenWrite") && step.p3 == 0;
            boolean clears = step.opcode.equals("Clear") && step.p2 == 0;
            if (writes || clears) {
                String table = roots.getOrDefault(writes ? step.p2 : step.p1, "sqlite_schema");
                if (layout.table(table) == null) {
                    throw RejectedException.because(
                            RejectedException.Reason.INVALID,
                            "the statement writes to '" + table + "', which is not a replicated table",
                            "the schema files list the replicated tables");
                }
            }
        }
    }

    private record Step(String opcode, int p1, int p2, int p3) {}

    private static List<Step> program(Transaction tx, String sql) throws SQLException {
        try {
            return tx.list("EXPLAIN " + sql, StatementGuard::step);
        } catch (SQLException e) {
            throw RejectedException.invalid("the statement is not valid: " + e.getMessage());
        }
    }

    private static Step step(ResultSet row) throws SQLException {
        return new Step(row.getString("opcode"), row.getInt("p1"), row.getInt("p2"), row.getInt("p3"));
    }
}
