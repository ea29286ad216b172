package org.allod.machine;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.allod.base.RejectedException;

/** Reads health checks: those of services and those of the machine. */
final class CheckReader {
    private static final Duration MAX = Duration.ofHours(1);
    private static final Duration INTERVAL = Duration.ofSeconds(10);
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    private static final List<String> METHODS = List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    private CheckReader() {}

    /** A check of a service: while it fails, the edge sends no traffic to that service. */
    static MachineConfig.Check ofService(StrictJsonReader in, int servicePort) {
        return check(in, Optional.of(servicePort), true);
    }

    /** A check of the machine: informational unless its kind is {@code readiness}. */
    static MachineConfig.Check ofMachine(StrictJsonReader in) {
        boolean gates = in.oneOf("kind", List.of("", "informational", "readiness"))
                .filter("readiness"::equals)
                .isPresent();
        return check(in, Optional.empty(), gates);
    }

    private static MachineConfig.Check check(StrictJsonReader in, Optional<Integer> servicePort, boolean gates) {
        String type = in.oneOf("type", List.of("tcp", "http"))
                .orElseThrow(() -> RejectedException.invalid(in.path("type") + " is missing: tcp or http"));
        boolean http = type.equals("http");
        int port = in.integer("port", 1, 65_535)
                .or(() -> servicePort)
                .orElseThrow(() -> RejectedException.invalid(in.path("port") + " is missing: the port to ask"));
        if (!http) {
            List.of("method", "path", "protocol", "headers", "tls_skip_verify", "tls_server_name")
                    .forEach(name -> onlyHttp(in, name));
        }
        Optional<MachineConfig.Tls> tls = tls(in, http);
        return new MachineConfig.Check(
                http,
                port,
                method(in),
                path(in),
                headers(in),
                tls,
                in.duration("interval", MAX).filter(CheckReader::positive).orElse(INTERVAL),
                in.duration("timeout", MAX).filter(CheckReader::positive).orElse(TIMEOUT),
                in.duration("grace_period", MAX).orElse(Duration.ZERO),
                gates);
    }

    /** Refuses HTTP fields of a TCP check, except the empty values that Go clients send for absent fields. */
    private static void onlyHttp(StrictJsonReader in, String name) {
        var value = in.json().get(name);
        if (value != null
                && !value.isNull()
                && !(value.isString() && value.stringValue().isEmpty())
                && !(value.isBoolean() && !value.booleanValue())
                && !(value.isContainer() && value.isEmpty())) {
            throw RejectedException.invalid(in.path(name) + " is for checks of type http; this one is tcp");
        }
    }

    private static Optional<MachineConfig.Tls> tls(StrictJsonReader in, boolean http) {
        boolean https = in.oneOf("protocol", List.of("", "http", "https"))
                .filter("https"::equals)
                .isPresent();
        boolean skip = in.bool("tls_skip_verify").orElse(false);
        String name = in.string("tls_server_name").orElse("");
        if (!https && http && (skip || !name.isEmpty())) {
            throw RejectedException.invalid(
                    in.path(skip ? "tls_skip_verify" : "tls_server_name") + " is for checks with protocol https");
        }
        return https ? Optional.of(new MachineConfig.Tls(skip, name)) : Optional.empty();
    }

    static String method(StrictJsonReader in) {
        String method = in.string("method")
                .filter(m -> !m.isEmpty())
                .map(m -> m.toUpperCase(Locale.ROOT))
                .orElse("GET");
        if (!METHODS.contains(method)) {
            throw RejectedException.invalid(
                    "%s is \"%s\": allowed are %s".formatted(in.path("method"), method, String.join(", ", METHODS)));
        }
        return method;
    }

    static String path(StrictJsonReader in) {
        String path = in.string("path").filter(p -> !p.isEmpty()).orElse("/");
        if (!path.startsWith("/") || !path.matches("[!-~]+")) {
            throw RejectedException.invalid("%s is \"%s\": it must start with / and have no spaces"
                    .formatted(in.path("path"), StrictJsonReader.clip(path)));
        }
        return path;
    }

    static Map<String, List<String>> headers(StrictJsonReader in) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        in.objects("headers", h -> {
            String name = h.string("name").orElse("");
            if (!name.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+")) {
                throw RejectedException.invalid("%s is \"%s\": that is not the name of a header"
                        .formatted(h.path("name"), StrictJsonReader.clip(name)));
            }
            List<String> values = h.strings("values");
            if (values.stream().anyMatch(v -> !v.matches("[\\t -~]*"))) {
                throw RejectedException.invalid(h.path("values") + " has a character that a header may not have");
            }
            headers.merge(
                    name,
                    values,
                    (first, more) ->
                            Stream.concat(first.stream(), more.stream()).toList());
            return name;
        });
        return headers;
    }

    private static boolean positive(Duration duration) {
        return duration.toMillis() > 0;
    }
}
