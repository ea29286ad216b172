package org.allod.edge;

import java.util.Locale;

/**
 * The header fields that the edge interprets.
 *
 * <p>A name with underscores instead of dashes ({@code X_Forwarded_For}) is the same field to a CGI application behind
 * the edge, so it is recognised and dropped as {@link #SPOOFED}; otherwise a client could forge its address.
 */
enum HeaderName {
    HOST,
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHORIZATION,
    PROXY_AUTHENTICATE,
    TE,
    TRANSFER_ENCODING,
    CONTENT_LENGTH,
    UPGRADE,
    HTTP2_SETTINGS,
    EXPECT,
    ACCEPT,
    FORWARDED,
    X_FORWARDED_FOR,
    X_FORWARDED_PROTO,
    X_FORWARDED_PORT,
    X_FORWARDED_HOST,
    X_FORWARDED_SSL,
    X_REAL_IP,
    FLY_CLIENT_IP,
    FLY_REGION,
    FLY_FORWARDED_PORT,
    FLY_REQUEST_ID,
    /** One of the above, spelled with an underscore. */
    SPOOFED,
    /** Anything else. */
    OTHER;

    private static final HeaderName[][] BY_LENGTH = new HeaderName[24][];

    private final String lower = name().toLowerCase(Locale.ROOT).replace('_', '-');

    static {
        for (int length = 0; length < BY_LENGTH.length; length++) {
            int wanted = length;
            BY_LENGTH[length] = java.util.Arrays.stream(values())
                    .filter(f -> f != SPOOFED && f != OTHER && f.lower.length() == wanted)
                    .toArray(HeaderName[]::new);
        }
    }

    static HeaderName of(byte[] bytes, int start, int end) {
        int length = end - start;
        if (length >= BY_LENGTH.length) {
            return OTHER;
        }
        for (HeaderName field : BY_LENGTH[length]) {
            if ((bytes[start] | 0x20) == field.lower.charAt(0)) {
                int difference = field.difference(bytes, start);
                if (difference == 0) {
                    return field;
                }
                if (difference > 0) {
                    return SPOOFED;
                }
            }
        }
        return OTHER;
    }

    /** 0 if these bytes are the name, 1 if they differ only in underscores, -1 otherwise. */
    private int difference(byte[] bytes, int start) {
        int spoofed = 0;
        for (int i = 0; i < lower.length(); i++) {
            char wanted = lower.charAt(i);
            byte given = bytes[start + i];
            if (given == wanted || (wanted >= 'a' && (given | 0x20) == wanted)) {
                continue;
            }
            if (wanted != '-' || given != '_') {
                return -1;
            }
            spoofed = 1;
        }
        return spoofed;
    }
}
