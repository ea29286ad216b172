package org.allod.edge;

import java.util.Locale;

/** Extracts the app from a host name: {@code APP.domain} in any case, with or without a port and a final dot. */
final class HostName {
    private HostName() {}

    /** The app's name in lower case, or the empty string if the host is not {@code LABEL.domain}. */
    static String app(String host, String domain) {
        String name = bare(host);
        int dot = name.indexOf('.');
        return dot > 0 && name.length() == dot + 1 + domain.length() && name.endsWith(domain)
                ? name.substring(0, dot)
                : "";
    }

    /** The host without port and final dot, in lower case. */
    static String bare(String host) {
        int end = host.length();
        int colon = host.lastIndexOf(':');
        if (colon >= 0 && colon > host.lastIndexOf(']')) {
            end = colon;
        }
        if (end > 0 && host.charAt(end - 1) == '.') {
            end--;
        }
        return host.substring(0, end).toLowerCase(Locale.ROOT);
    }

    /**
     * Whether this is a well-formed host: letters, digits, {@code - . _}, or an address in brackets, and then an
     * optional port. Anything else is rejected, since no legitimate client sends it.
     */
    static boolean valid(String host) {
        int end = host.length();
        int colon = host.lastIndexOf(':');
        boolean bracketed = host.startsWith("[");
        if (colon >= 0 && colon > host.lastIndexOf(']')) {
            for (int i = colon + 1; i < end; i++) {
                if (host.charAt(i) < '0' || host.charAt(i) > '9') {
                    return false;
                }
            }
            if (end - colon > 6) {
                return false;
            }
            end = colon;
        }
        if (bracketed && (end < 3 || host.charAt(end - 1) != ']')) {
            return false;
        }
        for (int i = bracketed ? 1 : 0; i < (bracketed ? end - 1 : end); i++) {
            char c = host.charAt(i);
            boolean ok = (c < 0x80 && Character.isLetterOrDigit(c))
                    || c == '-'
                    || c == '.'
                    || c == '_'
                    || (bracketed && c == ':');
            if (!ok) {
                return false;
            }
        }
        return end > 0 && end <= 255;
    }
}
