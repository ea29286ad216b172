package org.allod.api;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.RejectedException;

/**
 * Splits a command line, which older clients send, into words by the quoting rules of the shell (POSIX, 2.2 and 2.6.5),
 * but runs no shell, as the original API does. So the image needs no shell, and {@code &&}, {@code |} and {@code $} are
 * ordinary words.
 */
final class ShellWords {
    private ShellWords() {}

    /** @param field the name of the field, for errors */
    static List<String> words(String field, String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean open = false; // a word has begun, even if it is only quotes so far
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '\'' || c == '"') {
                i = quoted(field, line, i, word);
                open = true;
            } else if (c == '\\') {
                if (++i == line.length()) {
                    throw RejectedException.invalid(field + " ends with a backslash that escapes nothing");
                }
                word.append(line.charAt(i));
                open = true;
            } else if (Character.isWhitespace(c)) {
                if (open) {
                    words.add(word.toString());
                    word.setLength(0);
                }
                open = false;
            } else {
                word.append(c);
                open = true;
            }
        }
        if (open) {
            words.add(word.toString());
        }
        return List.copyOf(words);
    }

    /** Reads quoted text; returns the index of the closing quote. */
    private static int quoted(String field, String line, int from, StringBuilder word) {
        char quote = line.charAt(from);
        for (int i = from + 1; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == quote) {
                return i;
            }
            boolean escape =
                    c == '\\' && quote == '"' && i + 1 < line.length() && "\\\"$`".indexOf(line.charAt(i + 1)) >= 0;
            word.append(escape ? line.charAt(++i) : c);
        }
        throw RejectedException.invalid("%s has an unclosed %s".formatted(field, quote));
    }
}
