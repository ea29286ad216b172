package org.allod.image;

import java.util.Optional;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;

/** The name of an image that was built or imported here, such as {@code hello} or {@code team/web:v2}. */
final class LocalImageName {
    private static final Pattern NAME = Pattern.compile(
            "[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*){0,7}(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?");
    private static final int LONGEST = 255;
    private static final String LATEST = ":latest";

    private LocalImageName() {}

    /** The canonical form: {@code hello:latest} is {@code hello}. */
    static String parse(String text) {
        return read(text)
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "\"" + UntrustedText.printable(text) + "\" is no name for an image",
                        "use lower-case letters, digits, . _ - and /, and :TAG if wanted, as in hello or team/web:v2"));
    }

    /** The canonical form, or empty if {@code text} is not such a name. */
    static Optional<String> read(String text) {
        if (text.length() > LONGEST || !NAME.matcher(text).matches()) {
            return Optional.empty();
        }
        return Optional.of(text.endsWith(LATEST) ? text.substring(0, text.length() - LATEST.length()) : text);
    }
}
