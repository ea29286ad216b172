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
 * @param proxyProtocol of raw connections: 0, or the version of the header that tells the machine who the client is
 */
public record HttpOptions(
        boolean forceHttps,
        Map<String, List<String>> headers,
        boolean pristine,
        Optional<Duration> idle,
        int proxyProtocol) {
    public static final HttpOptions USUAL = new HttpOptions(false, Map.of(), false, Optional.empty(), 0);

    public HttpOptions {
        headers = Map.copyOf(headers);
    }

    /** The names in lower case that the machine's answers lose. */
    List<String> replaced() {
        return headers.keySet().stream().map(n -> n.toLowerCase(Locale.ROOT)).toList();
    }

    /** These whole lines of an answer, as the app wants them otherwise. */
    String over(String lines) {
        if (headers.isEmpty()) {
            return lines;
        }
        List<String> replaced = replaced();
        StringBuilder out = new StringBuilder();
        lines.lines()
                .filter(line -> !replaced.contains(line.substring(0, line.indexOf(':'))))
                .forEach(line -> out.append(line).append("\r\n"));
        return out + lines();
    }

    /** Whole lines that answers get. */
    String lines() {
        List<String> lines = new ArrayList<>();
        headers.forEach(
                (name, values) -> values.forEach(v -> lines.add(name.toLowerCase(Locale.ROOT) + ": " + v + "\r\n")));
        return String.join("", lines);
    }
}
