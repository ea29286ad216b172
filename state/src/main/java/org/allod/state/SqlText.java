package org.allod.state;

import java.util.Locale;
import org.allod.base.RejectedException;

/** Just enough of SQL's surface to see where a statement begins and ends; SQLite does the rest. */
final class SqlText {
    private SqlText() {}

    /** The statement without what is before it; refuses a second one, which the driver would pass over in silence. */
    static String first(String sql) {
        int start = skip(sql, 0);
        int at = start;
        while (at < sql.length()) {
            char c = sql.charAt(at);
            if (c == ';') {
                if (skip(sql, at + 1) < sql.length()) {
                    throw RejectedException.because(
                            RejectedException.Reason.INVALID,
                            "there is more than one statement in one text, the second at character "
                                    + skip(sql, at + 1),
                            "send each as a statement of its own");
                }
                break;
            }
            at = next(sql, at, c);
        }
        return sql.substring(start);
    }

    static String firstWord(String sql) {
        int end = 0;
        while (end < sql.length() && Character.isLetter(sql.charAt(end))) {
            end++;
        }
        return sql.substring(0, end).toLowerCase(Locale.ROOT);
    }

    private static int next(String sql, int at, char c) {
        if (c == '\'' || c == '"' || c == '`') {
            return after(sql, sql.indexOf(c, at + 1), 1);
        }
        if (c == '[') {
            return after(sql, sql.indexOf(']', at + 1), 1);
        }
        int comment = comment(sql, at);
        return comment > at ? comment : at + 1;
    }

    private static int after(String sql, int found, int length) {
        return found < 0 ? sql.length() : found + length;
    }

    private static int comment(String sql, int at) {
        if (sql.startsWith("--", at)) {
            return after(sql, sql.indexOf('\n', at), 1);
        }
        return sql.startsWith("/*", at) ? after(sql, sql.indexOf("*/", at + 2), 2) : at;
    }

    /** Past white space, comments and empty statements. */
    private static int skip(String sql, int from) {
        int at = from;
        while (at < sql.length()) {
            int comment = comment(sql, at);
            if (comment > at) {
                at = comment;
            } else if (Character.isWhitespace(sql.charAt(at)) || sql.charAt(at) == ';') {
                at++;
            } else {
                break;
            }
        }
        return at;
    }
}
