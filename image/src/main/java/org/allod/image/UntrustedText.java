package org.allod.image;

/** Makes untrusted text fit for an error message: short, one line, no control characters. */
final class UntrustedText {
    private static final int SHOWN = 120;

    private UntrustedText() {}

    static String printable(String hostile) {
        StringBuilder out = new StringBuilder();
        hostile.codePoints()
                .limit(SHOWN)
                .forEach(c -> out.appendCodePoint(c < 0x20 || (c >= 0x7f && c < 0xa0) || c == '"' ? '?' : c));
        return hostile.length() > SHOWN ? out.append('…').toString() : out.toString();
    }
}
