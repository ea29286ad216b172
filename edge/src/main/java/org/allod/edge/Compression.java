package org.allod.edge;

import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Decides whether a response is compressed and how that changes its head. Pure; RFC 9110, sections 8.4 and 12.5.3.
 * Supports gzip only, which every client accepts.
 */
final class Compression {
    /** Smaller bodies are not compressed: the saving is less than a packet. */
    private static final long LEAST = 1_024;

    private static final Set<String> TYPES = Set.of(
            "application/javascript",
            "application/json",
            "application/wasm",
            "application/xml",
            "application/x-javascript",
            "application/x-ndjson",
            "application/vnd.ms-fontobject",
            "font/otf",
            "font/ttf",
            "image/bmp",
            "image/svg+xml",
            "image/vnd.microsoft.icon",
            "image/x-icon");

    /** Fields that refer to the exact bytes of a body, or follow it: a response with one of them is not compressed. */
    private static final List<String> BINDING =
            List.of("content-encoding", "content-digest", "content-md5", "digest", "trailer");

    private Compression() {}

    /** Whether this {@code Accept-Encoding} value accepts gzip. */
    static boolean isAccepted(String encodings) {
        boolean any = false;
        for (String one : encodings.toLowerCase(Locale.ROOT).split(",", -1)) {
            String[] parts = one.split(";", -1);
            String name = parts[0].strip();
            boolean refused = parts.length > 1 && parts[1].strip().matches("q=0(\\.0{0,3})?");
            if (name.equals("gzip") || name.equals("x-gzip")) {
                return !refused;
            }
            any |= name.equals("*") && !refused;
        }
        return any;
    }

    /** Whether content of this type shrinks; event streams are forwarded unbuffered. */
    static boolean shrinks(String type) {
        int semicolon = type.indexOf(';');
        String bare =
                (semicolon < 0 ? type : type.substring(0, semicolon)).strip().toLowerCase(Locale.ROOT);
        return (bare.startsWith("text/") && !bare.equals("text/event-stream"))
                || bare.endsWith("+json")
                || bare.endsWith("+xml")
                || TYPES.contains(bare);
    }

    /**
     * How a machine's response is sent.
     *
     * @param changes of its head
     * @param chunked whether it is sent in chunks
     * @param ends whether its client can tell where it ends without the end of the connection
     */
    record Plan(BodyForwarder.Form form, Changes changes, boolean chunked, boolean ends) {}

    /**
     * @param gzip whether this client accepts it
     * @param http10 whether the client does not understand chunks
     */
    static Plan plan(HttpOptions options, ResponseHead answer, BodyFraming body, boolean gzip, boolean http10) {
        boolean concerned = concerns(options, answer);
        if (concerned && gzip && !body.done() && isWorthwhile(answer.headers.contentLength)) {
            String tag = options.replaced().contains("etag") ? "" : answer.headers.text("etag");
            return new Plan(BodyForwarder.Form.GZIP, compressed(tag).and(options.changes()), true, true);
        }
        Changes changes = concerned ? addVary().and(options.changes()) : options.changes();
        boolean chunked = body instanceof BodyFraming.Chunked;
        return chunked && http10
                ? new Plan(BodyForwarder.Form.WITHOUT_CHUNKS, changes, false, false)
                : new Plan(BodyForwarder.Form.AS_IS, changes, chunked, !body.untilClose());
    }

    /** Whether a machine's response might be compressed for some client. */
    private static boolean concerns(HttpOptions options, ResponseHead answer) {
        return options.compress()
                && answer.status >= 200
                && answer.status != 206
                && shrinks(answer.headers.text("content-type"))
                && BINDING.stream().allMatch(name -> answer.headers.text(name).isEmpty())
                && !options.replaced().contains("content-encoding")
                && !answer.headers
                        .text("cache-control")
                        .toLowerCase(Locale.ROOT)
                        .contains("no-transform");
    }

    /** Whether a body of this length is worth compressing; an unknown length is. */
    static boolean isWorthwhile(long length) {
        return length < 0 || length >= LEAST;
    }

    /** Changes to the head of a response that is compressed for some clients and not for others. */
    static Changes addVary() {
        return new Changes(List.of(), "vary: accept-encoding\r\n");
    }

    /**
     * Changes to the head of a response that is compressed for this client.
     *
     * @param tag its {@code ETag}, or the empty string
     */
    static Changes compressed(String tag) {
        // The compressed bytes are another representation, so a strong tag becomes a weak one.
        String weak = tag.isEmpty() ? "" : "etag: " + (tag.startsWith("W/") ? tag : "W/" + tag) + "\r\n";
        return new Changes(
                List.of("content-length", "accept-ranges", "etag"),
                weak + "content-encoding: gzip\r\nvary: accept-encoding\r\n");
    }

    /**
     * Changes of a head.
     *
     * @param without names, in lower case, of the fields to remove
     * @param lines complete lines to add
     */
    record Changes(List<String> without, String lines) {
        static final Changes NONE = new Changes(List.of(), "");

        /** Applies the changes to these lines of a head. */
        String over(String before) {
            StringBuilder out = new StringBuilder();
            before.lines()
                    .filter(line -> !without.contains(line.substring(0, line.indexOf(':'))))
                    .forEach(line -> out.append(line).append("\r\n"));
            return out + lines;
        }

        Changes and(Changes more) {
            if (more.equals(NONE)) {
                return this;
            }
            List<String> both = new java.util.ArrayList<>(without);
            both.addAll(more.without);
            return new Changes(both, lines + more.lines);
        }
    }
}
