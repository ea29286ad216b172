package org.allod.store;

import java.nio.file.Path;
import java.sql.SQLException;
import org.allod.base.FailedException;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** Classifies SQLite's error codes, and explains them in messages that say what to do. */
final class SqliteErrors {
    private SqliteErrors() {}

    /** The primary code, which extended codes have in their low byte. */
    static int primary(SQLException e) {
        return (e instanceof SQLiteException s ? s.getResultCode().code : e.getErrorCode()) & 0xff;
    }

    /** Whether SQLite has certainly rolled back, so that the content of the file is known. */
    static boolean harmless(SQLException e) {
        int code = primary(e);
        return code != SQLiteErrorCode.SQLITE_IOERR.code
                && code != SQLiteErrorCode.SQLITE_CORRUPT.code
                && code != SQLiteErrorCode.SQLITE_NOTADB.code;
    }

    /** Whether the disk is full; SQLite has then rolled the transaction back. */
    static boolean full(Throwable e) {
        return e instanceof SQLException sql && primary(sql) == SQLiteErrorCode.SQLITE_FULL.code;
    }

    static FailedException failed(String attempt, Path file, SQLException e) {
        return new FailedException("%s %s: %s".formatted(attempt, file, reason(e)), e);
    }

    private static String reason(SQLException e) {
        int code = primary(e);
        boolean noIndex = e instanceof SQLiteException s && s.getResultCode() == SQLiteErrorCode.SQLITE_IOERR_SHMSIZE;
        if (code == SQLiteErrorCode.SQLITE_FULL.code || noIndex) {
            return "the disk is full; free space on it and try again";
        }
        if (code == SQLiteErrorCode.SQLITE_CORRUPT.code || code == SQLiteErrorCode.SQLITE_NOTADB.code) {
            return "the file is damaged or not a database; move it away and restore a backup (" + e.getMessage() + ")";
        }
        if (code == SQLiteErrorCode.SQLITE_BUSY.code || code == SQLiteErrorCode.SQLITE_LOCKED.code) {
            return "another process holds it; is a second daemon running on this data folder?";
        }
        if (code == SQLiteErrorCode.SQLITE_CANTOPEN.code) {
            return "it cannot be opened; check that the folder exists and that this user may write there";
        }
        if (code == SQLiteErrorCode.SQLITE_READONLY.code) {
            return "it is read-only; check the owner and mode of the file and its folder";
        }
        return String.valueOf(e.getMessage());
    }
}
