package org.allod.powercut;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * One system call as {@code strace -y} writes it: {@code name(3</path>, "data", 12, 0) = 12}.
 *
 * @param begun the line of the trace on which it begins
 * @param returned the line on which it returns
 */
record TracedSyscall(int begun, int returned, String text) {
    String name() {
        return text.substring(0, text.indexOf('('));
    }

    /** The path that belongs to the descriptor that is its first argument; empty where that is none with a path. */
    String descriptor() {
        int from = text.indexOf('<');
        int to = text.indexOf('>');
        int comma = text.indexOf(',');
        return from < 0 || to < from || (comma >= 0 && comma < from) ? "" : text.substring(from + 1, to);
    }

    /** Whether the file of its descriptor has no name any more. */
    boolean deleted() {
        return text.startsWith("(deleted)", text.indexOf('>') + 1)
                || descriptor().endsWith(" (deleted)");
    }

    /** What it answered; negative for an error. */
    long result() {
        String after = text.substring(text.lastIndexOf(" = ") + 3).strip();
        int end = after.startsWith("-") ? 1 : 0;
        while (end < after.length() && Character.digit(after.charAt(end), 16) >= 0) {
            end++;
        }
        return after.startsWith("0x") ? 0 : Long.parseLong(after.substring(0, end));
    }

    /** The number that is the last argument. */
    long lastNumber() {
        String arguments = text.substring(0, text.lastIndexOf(" = ")).strip();
        return Long.parseLong(arguments
                .substring(arguments.lastIndexOf(',') + 1, arguments.length() - 1)
                .strip());
    }

    /** The argument in quotes, undone of its escapes. */
    byte[] quoted() {
        return quoted(text.indexOf('"', text.indexOf('>') + 1) + 1);
    }

    /** The last argument in quotes, which is a plain name. */
    String lastQuoted() {
        int end = text.lastIndexOf('"');
        return new String(quoted(text.lastIndexOf('"', end - 1) + 1), StandardCharsets.UTF_8);
    }

    private byte[] quoted(int from) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int i = from;
        while (text.charAt(i) != '"') {
            char c = text.charAt(i++);
            if (c != '\\') {
                bytes.write(c);
                continue;
            }
            char escaped = text.charAt(i++);
            int value = Character.digit(escaped, 8);
            if (value < 0) {
                bytes.write(control(escaped));
                continue;
            }
            for (int digits = 1; digits < 3 && Character.digit(text.charAt(i), 8) >= 0; digits++) {
                value = value * 8 + Character.digit(text.charAt(i++), 8);
            }
            bytes.write(value);
        }
        if (text.startsWith("...", i + 1)) {
            throw new IllegalStateException("strace shortened the data of " + text.substring(0, 80));
        }
        return bytes.toByteArray();
    }

    private static int control(char escaped) {
        return switch (escaped) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'v' -> 0x0b;
            case 'f' -> '\f';
            default -> escaped;
        };
    }
}
