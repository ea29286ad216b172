package org.allod.edge;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How HTTP of one app on one port differs from the defaults.
 *
 * @param forceHttps plain requests are redirected to HTTPS
 * @param headers fields of every response: set to these values instead of the machine's, or removed if the list is
 *     empty
 * @param pristine true if the edge adds none of its own fields to responses
 * @param idle timeout without a byte in either direction while a request is in flight; empty for the edge's own
 * @param compress whether responses are compressed for clients that accept it, unless the machine has compressed them
 * @param headTime timeout for a request's head; empty for the edge's own, which is longer
 * @param proxyProtocol for raw connections: 0, or the version of the PROXY header that tells the machine the client's
 *     address
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

    /** Names, in lower case, of the fields that are removed from the machine's responses. */
    List<String> replaced() {
        return headers.keySet().stream().map(n -> n.toLowerCase(Locale.ROOT)).toList();
    }

    /** The changes to the head of every response. */
    Compression.Changes changes() {
        return headers.isEmpty() ? Compression.Changes.NONE : new Compression.Changes(replaced(), lines());
    }

    /** Complete lines that are added to responses. */
    private String lines() {
        List<String> lines = new ArrayList<>();
        headers.forEach(
                (name, values) -> values.forEach(v -> lines.add(name.toLowerCase(Locale.ROOT) + ": " + v + "\r\n")));
        return String.join("", lines);
    }
}
