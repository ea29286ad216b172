package org.allod.edge;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/**
 * How a request for a file is answered: in full, in part, with 304 because the client has it, or with 416 because the
 * range does not exist. Pure; RFC 9110, sections 13 and 14. A single range is served; lists of ranges are not.
 *
 * @param from where the body starts in the file
 * @param length how many bytes there are; they are sent only if the request was not {@code HEAD}
 * @param lines the header lines for this outcome, each with its line end
 */
record ConditionalResponse(int status, long from, long length, String lines) {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern(
                    "EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US)
            .withZone(ZoneOffset.UTC);

    private static final Instant LAST = Instant.parse("9999-12-31T23:59:59Z");

    /** The conditional fields of the request; empty if absent. */
    record Asked(String ifNoneMatch, String ifModifiedSince, String range, String ifRange) {
        static final Asked PLAIN = new Asked("", "", "", "");
    }

    static ConditionalResponse evaluate(Asked asked, String path, Statics.Content file) {
        String tag = "\"" + file.tag() + "\"";
        Instant modified = writable(file.modified());
        String kept = "etag: " + tag + "\r\nlast-modified: " + DATE.format(modified) + "\r\n";
        if (has(asked, tag, modified)) {
            return new ConditionalResponse(304, 0, 0, kept);
        }
        long size = file.size();
        String type = "content-type: " + MediaType.of(path) + "\r\n";
        boolean ranged = asked.range.startsWith("bytes=")
                && !asked.range.contains(",")
                && (asked.ifRange.isEmpty() || asked.ifRange.equals(tag));
        if (!ranged) {
            return whole(size, kept + type);
        }
        String spec = asked.range.substring(6).strip();
        int dash = spec.indexOf('-');
        long first = dash < 0 ? -1 : number(spec.substring(0, dash), -1);
        long last = dash < 0 ? -1 : number(spec.substring(dash + 1), -1);
        if (spec.startsWith("-") && last >= 0) {
            first = Math.max(0, size - last);
            last = last == 0 ? -1 : size - 1;
        } else if (first >= 0 && spec.endsWith("-")) {
            last = size - 1;
        } else if (first < 0 || last < first) {
            return whole(size, kept + type); // a range that is not understood is ignored
        }
        if (first >= size || last < 0) {
            return new ConditionalResponse(416, 0, 0, "content-range: bytes */" + size + "\r\ncontent-length: 0\r\n");
        }
        last = Math.min(last, size - 1);
        long length = last - first + 1;
        return new ConditionalResponse(
                206,
                first,
                length,
                kept + type + "content-range: bytes " + first + "-" + last + "/" + size + "\r\ncontent-length: "
                        + length + "\r\n");
    }

    private static ConditionalResponse whole(long size, String lines) {
        return new ConditionalResponse(
                200, 0, size, lines + "accept-ranges: bytes\r\ncontent-length: " + size + "\r\n");
    }

    /** Clamps the time: an image can contain any file time, but an HTTP date has a four-digit year. */
    private static Instant writable(Instant time) {
        return time.isBefore(Instant.EPOCH) ? Instant.EPOCH : time.isAfter(LAST) ? LAST : time;
    }

    /** Whether the client already has this version. */
    private static boolean has(Asked asked, String tag, Instant modified) {
        if (!asked.ifNoneMatch.isEmpty()) {
            for (String one : asked.ifNoneMatch.split(",", -1)) {
                String bare = one.strip();
                if (bare.equals("*") || bare.equals(tag) || bare.equals("W/" + tag)) {
                    return true;
                }
            }
            return false;
        }
        try {
            return !asked.ifModifiedSince.isEmpty()
                    && !modified.truncatedTo(ChronoUnit.SECONDS)
                            .isAfter(DATE.parse(asked.ifModifiedSince, Instant::from));
        } catch (DateTimeException e) {
            return false;
        }
    }

    private static long number(String digits, long otherwise) {
        return digits.matches("[0-9]{1,18}") ? Long.parseLong(digits) : otherwise;
    }

    /** Whether the file is compressed for clients that accept it. */
    boolean shrinks(String path) {
        return status == 200 && Compression.shrinks(MediaType.of(path)) && Compression.isWorthwhile(length);
    }

    /** The head without the connection fields, with the app's changes. */
    StringBuilder head(HttpOptions options, Compression.Changes changes, String id) {
        StringBuilder out = new StringBuilder(256)
                .append("HTTP/1.1 ")
                .append(status)
                .append(' ')
                .append(reason());
        out.append("\r\n").append(changes.over(lines));
        return options.pristine()
                ? out
                : out.append("via: 1.1 allod\r\nfly-request-id: ").append(id).append("\r\n");
    }

    private String reason() {
        return switch (status) {
            case 200 -> "OK";
            case 206 -> "Partial Content";
            case 304 -> "Not Modified";
            default -> "Range Not Satisfiable";
        };
    }
}
