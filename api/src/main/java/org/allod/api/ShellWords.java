package org.allod.api;

import java.util.ArrayList;
import java.util.List;
import org.allod.base.RejectedException;

/**
 * A command as one line, which older clients send: cut into words by the quotes and backslashes of a shell (POSIX,
 * 2.2 and 2.6.5), but run without one, as that API does. So it needs no shell in the image, and {@code &&}, {@code |}
 * and {@code $} are words like others.
 */
final class ShellWords {
    private ShellWords() {}

    /** @param field how to name the line in an error */
    static List<String> words(String field, String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean open = false; // a word has begun, if with nothing but quotes
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '\'' || c == '"') {
                i = quoted(field, line, i, word);
                open = true;
            } else if (c == '\\') {
                if (++i == line.length()) {
                    throw RejectedException.invalid(field + " ends with a backslash, which has nothing to quote");
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

    /** Takes what is in quotes; the place of the quote that ends it. */
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
        throw RejectedException.invalid("%s has a %s that nothing ends".formatted(field, quote));
    }
}
