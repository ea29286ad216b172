package org.allod.image;

import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.allod.base.Bug;
import org.allod.base.RejectedException;

/**
 * The name of content: SHA-256, the one algorithm that every registry supports. Parsed once, so that only 64
 * hexadecimal digits can reach a file name.
 *
 * @param hex 64 lower-case hexadecimal digits
 */
record Digest(String hex) {
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");
    private static final String PREFIX = "sha256:";

    Digest {
        if (!HEX.matcher(hex).matches()) {
            throw new IllegalArgumentException("not a SHA-256 in hexadecimal");
        }
    }

    /** Parses {@code sha256:…} from untrusted input; {@code where} names its source in errors. */
    static Digest parse(String text, String where) {
        Optional<Digest> digest = read(text);
        if (digest.isPresent()) {
            return digest.get();
        }
        if (text.toLowerCase(Locale.ROOT).startsWith("sha512:")) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    where + " is named by SHA-512, which Allod does not take",
                    "build the image with SHA-256 digests, as all common tools do");
        }
        throw RejectedException.invalid(where + " has no valid digest: \"" + UntrustedText.printable(text)
                + "\" is not sha256:<64 hex digits>");
    }

    /** Parses {@code text}; empty if it is not a digest. */
    static Optional<Digest> read(String text) {
        return text.startsWith(PREFIX)
                        && HEX.matcher(text.substring(PREFIX.length())).matches()
                ? Optional.of(new Digest(text.substring(PREFIX.length())))
                : Optional.empty();
    }

    static Digest of(byte[] content) {
        return new Digest(HexFormat.of().formatHex(sha256().digest(content)));
    }

    static Digest of(InputStream content) throws IOException {
        MessageDigest sha = sha256();
        byte[] buffer = new byte[1 << 16];
        for (int n = content.read(buffer); n >= 0; n = content.read(buffer)) {
            sha.update(buffer, 0, n);
        }
        return of(sha);
    }

    static Digest of(MessageDigest finished) {
        return new Digest(HexFormat.of().formatHex(finished.digest()));
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new Bug("every JDK has SHA-256", e);
        }
    }

    /** The first twelve digits, as every tool shows them. */
    String brief() {
        return hex.substring(0, 12);
    }

    @Override
    public String toString() {
        return PREFIX + hex;
    }
}
