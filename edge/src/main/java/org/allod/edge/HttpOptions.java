package org.allod.edge;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How HTTP of one app on one port differs from the usual.
 *
 * @param forceHttps plain requests are sent to HTTPS
 * @param headers fields of every answer: set to these values in place of the machine's, or taken out where there are
 *     none
 * @param pristine whether the edge adds none of its own fields to answers
 * @param idle without a byte in either direction while a request is under way; empty for the edge's own
 * @param compress whether answers are compressed for clients that take it, where the machine has not done so
 * @param headTime within which a request's head must come; empty for the edge's own, which is longer
 * @param proxyProtocol of raw connections: 0, or the version of the header that tells the machine who the client is
 */
public record HttpOptions(
        boolean forceHttps,
        Map<String, List<String>> headers,
        boolean pristine,
        Optional<Duration> idle,
        boolean compress,
        Optional<Duration> headTime,
        int proxyProtocol) {
    public static final HttpOptions USUAL =
            new HttpOptions(false, Map.of(), false, Optional.empty(), false, Optional.empty(), 0);

    public HttpOptions {
        headers = Map.copyOf(headers);
    }

    /** The names in lower case that the machine's answers lose. */
    List<String> replaced() {
        return headers.keySet().stream().map(n -> n.toLowerCase(Locale.ROOT)).toList();
    }

    /** What changes in the head of every answer. */
    Compression.Changes changes() {
        return headers.isEmpty() ? Compression.Changes.NONE : new Compression.Changes(replaced(), lines());
    }

    /** Whole lines that answers get. */
    private String lines() {
        List<String> lines = new ArrayList<>();
        headers.forEach(
                (name, values) -> values.forEach(v -> lines.add(name.toLowerCase(Locale.ROOT) + ": " + v + "\r\n")));
        return String.join("", lines);
    }
}
