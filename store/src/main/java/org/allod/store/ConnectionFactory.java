package org.allod.store;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import org.allod.base.FailedException;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteOpenMode;

/** Opens connections with the settings that durability depends on, and checks that SQLite has applied them. */
final class ConnectionFactory {
    private ConnectionFactory() {}

    static Connection writer(Path file, DatabaseOptions options) throws SQLException {
        boolean left = Files.exists(WalPreallocator.log(file));
        Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file, properties());
        try (Statement s = connection.createStatement()) {
            s.execute("PRAGMA busy_timeout=5000");
            try (ResultSet mode = s.executeQuery("PRAGMA journal_mode=WAL")) {
                if (!mode.next() || !mode.getString(1).equals("wal")) {
                    throw new SQLException("journal mode WAL was refused: " + mode.getString(1));
                }
            }
            WalPreallocator.make(file, options.checkpointPages());
            s.execute("PRAGMA synchronous=FULL");
            s.execute("PRAGMA foreign_keys=ON");
            // WalCheckpointer does that, and hears when it fails.
            s.execute("PRAGMA wal_autocheckpoint=0");
            s.execute("PRAGMA cache_size=-16384");
            // The writer's temporary tables (`state` has one for what a transaction wrote) are small: keep them in
            // memory.
            s.execute("PRAGMA temp_store=MEMORY");
            transactionsByHand(connection);
            if (left) {
                s.execute("BEGIN IMMEDIATE");
                WalRewriter.rewrite(file);
                s.execute("ROLLBACK");
            }
            return connection;
        } catch (SQLException | FailedException e) {
            connection.close();
            throw e;
        }
    }

    /**
     * NOMUTEX, because one thread at a time uses a connection: the one that holds the writer's lock, or its reader.
     *
     * <p>Without the second property the driver matches every statement with a regular expression and queries the last
     * row's number after every insert, which takes half the processor time of a small write.
     */
    private static Properties properties() {
        Properties properties = new Properties();
        int mode = SQLiteOpenMode.READWRITE.flag | SQLiteOpenMode.CREATE.flag | SQLiteOpenMode.NOMUTEX.flag;
        properties.setProperty(SQLiteConfig.Pragma.OPEN_MODE.pragmaName, Integer.toString(mode));
        properties.setProperty(SQLiteConfig.Pragma.JDBC_GET_GENERATED_KEYS.pragmaName, "false");
        return properties;
    }

    /**
     * Makes this room begin and end transactions itself. In auto-commit mode the driver tries to begin a transaction
     * after every statement to find out whether there is one, which costs as much as a small write. So auto-commit is
     * turned off, and the transaction that the driver begins because of that is ended at once.
     */
    private static void transactionsByHand(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement s = connection.createStatement()) {
            s.execute("COMMIT");
        }
    }

    static Connection reader(Path file) throws SQLException {
        Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file, properties());
        try (Statement s = connection.createStatement()) {
            s.execute("PRAGMA busy_timeout=5000");
            s.execute("PRAGMA query_only=ON");
            s.execute("PRAGMA cache_size=-4096");
            transactionsByHand(connection);
        }
        return connection;
    }
}
