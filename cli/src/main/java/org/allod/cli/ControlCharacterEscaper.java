package org.allod.cli;

/**
 * Escapes characters that control a terminal instead of being shown: the ASCII and Latin-1 controls (C0, DEL, C1),
 * those of bidirectional text, and line and paragraph separators. The notation is JSON's, so that JSON output stays
 * valid.
 */
final class ControlCharacterEscaper {
    /** The start and end of a style code: Unicode noncharacters, which {@link Json} removes from every value. */
    private static final char STYLE = '\uFDD0';

    private static final char TEXT = '\uFDD1';

    private ControlCharacterEscaper() {}

    /** Whether the character is reserved for internal use, so that no external value may contain it. */
    static boolean reserved(char c) {
        return c >= STYLE && c <= '\uFDEF';
    }

    static boolean obeyed(char c) {
        return c < ' '
                || (c >= 0x7f && c <= 0x9f)
                || c == '\u061C'
                || c == '\u200E'
                || c == '\u200F'
                || (c >= '\u2028' && c <= '\u202E')
                || (c >= '\u2066' && c <= '\u2069')
                || c == '\uFEFF';
    }

    /** A text with a style, to be {@link #rendered}. */
    static String styled(String code, String text) {
        return STYLE + code + TEXT + text + STYLE + "0" + TEXT;
    }

    /** The text for output: on a terminal, styles become escape sequences and other control characters are escaped. */
    static String rendered(String text, boolean terminal) {
        StringBuilder shown = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case STYLE -> shown.append("\033[");
                case TEXT -> shown.append('m');
                case '\n', '\t' -> shown.append(c);
                default -> append(shown, c, terminal);
            }
        }
        return shown.toString();
    }

    /** As {@link #rendered} on a terminal, for a text that must stay on one line. */
    static String inLine(String text) {
        StringBuilder shown = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            append(shown, text.charAt(i), true);
        }
        return shown.toString();
    }

    private static void append(StringBuilder shown, char c, boolean terminal) {
        if (terminal && obeyed(c)) {
            shown.append("\\u%04x".formatted((int) c));
        } else {
            shown.append(c);
        }
    }
}
