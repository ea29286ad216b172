package org.allod.cli;

/**
 * Characters that a terminal obeys instead of showing them: the controls of ASCII and Latin-1 (C0, DEL, C1), those of
 * reading order, and the separators of lines and paragraphs. They are written as JSON writes them, so that a page of JSON
 * stays one.
 */
final class ControlCharacterEscaper {
    /** Begins the code of a style, and ends it: noncharacters of Unicode, which {@link Json} lets no value have. */
    private static final char STYLE = '\uFDD0';

    private static final char TEXT = '\uFDD1';

    private ControlCharacterEscaper() {}

    /** Whether this is kept for programs' own use: never in a value that came from elsewhere. */
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

    /** A text in a style of ours, to be {@link #rendered}. */
    static String styled(String code, String text) {
        return STYLE + code + TEXT + text + STYLE + "0" + TEXT;
    }

    /** What is printed: styles become what a terminal understands, and nothing else in it does. */
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

    /** As {@link #rendered} on a terminal, for a text that must not end its line. */
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
