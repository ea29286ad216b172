package org.allod.machine;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;

/** Reads one entry of a service's {@code ports}: the ports of the edge and their protocol. */
final class PortReader {
    private static final int HTTP = 80;
    private static final int HTTPS = 443;
    /** How many ports one entry may open, since each costs the host a listener. */
    private static final int MAX_RANGE = 100;

    private static final int MAX_SECONDS = 3_600;
    /** The edge's own bound on the time that a request's head may take, for every app. */
    private static final int MAX_HEAD_SECONDS = 10;

    private static final Set<String> HANDLERS = new TreeSet<>(Set.of("http", "tls", "proxy_proto"));

    private PortReader() {}

    static MachineConfig.Port port(StrictJsonReader in) {
        int first = in.integer("port", 0, 65_535).orElse(0);
        int start = in.integer("start_port", 0, 65_535).orElse(0);
        int end = in.integer("end_port", 0, 65_535).orElse(0);
        int last = first;
        if (first == 0) {
            first = start;
            last = end;
        } else if (start != 0 || end != 0) {
            throw RejectedException.invalid("%s is beside %s: say one port, or where a range starts and ends"
                    .formatted(in.path(start != 0 ? "start_port" : "end_port"), in.path("port")));
        }
        if (first == 0 || last == 0) {
            throw RejectedException.invalid(
                    in.path(first == 0 ? "port" : "end_port") + " is missing: the port the edge serves");
        }
        if (last < first || last - first >= MAX_RANGE) {
            throw RejectedException.invalid("%s is %d: a range from %d ends at %d to %d"
                    .formatted(in.path("end_port"), last, first, first, first + MAX_RANGE - 1));
        }
        Set<String> handlers = handlers(in);
        boolean http = handlers.contains("http");
        boolean tls = handlers.contains("tls");
        shared(in, first, last, http, tls);
        boolean force = in.bool("force_https").orElse(false);
        if (force && (!http || tls)) {
            throw RejectedException.invalid(
                    in.path("force_https") + " is for a port with the handler \"http\" and no \"tls\"");
        }
        Optional<StrictJsonReader> options = in.object("http_options");
        if (!http && in.json().path("http_options").size() > 0) {
            throw RejectedException.invalid(in.path("http_options") + " is for a port with the handler \"http\"");
        }
        MachineConfig.HttpOptions httpOptions = options.map(PortReader::http).orElse(MachineConfig.HttpOptions.USUAL);
        int proxy = proxy(in, handlers.contains("proxy_proto"));
        in.object("tls_options").ifPresent(o -> tls(o, tls));
        return new MachineConfig.Port(first, last, http, tls, proxy, force, httpOptions);
    }

    private static Set<String> handlers(StrictJsonReader in) {
        Set<String> handlers = new TreeSet<>(in.strings("handlers"));
        for (String handler : handlers) {
            if (!HANDLERS.contains(handler)) {
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "%s names \"%s\": there are %s".formatted(in.path("handlers"), handler, HANDLERS),
                        "none at all is plain TCP; nothing was changed");
            }
        }
        if (handlers.contains("http") && handlers.contains("proxy_proto")) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    in.path("handlers")
                            + " has \"http\" and \"proxy_proto\": over HTTP the machine is told who the client"
                            + " is by the field fly-client-ip",
                    "leave one of them out");
        }
        return handlers;
    }

    /** All apps share ports 80 and 443, where the host name selects the app. */
    private static void shared(StrictJsonReader in, int first, int last, boolean http, boolean tls) {
        for (int port : new int[] {HTTP, HTTPS}) {
            boolean fits = http && (tls == (port == HTTPS)) && first == last;
            if (first <= port && port <= last && !fits) {
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "%s is for port %d, which all apps share by host name: its handlers must be %s"
                                .formatted(
                                        in.path("handlers"), port, port == HTTP ? "[\"http\"]" : "[\"tls\", \"http\"]"),
                        "take another port for raw TCP, such as 10000 or above");
            }
        }
    }

    private static MachineConfig.HttpOptions http(StrictJsonReader in) {
        off(in, "h2_backend", "machines are spoken to in HTTP/1.1");
        Optional<Duration> headTime = in.integer("headers_read_timeout", 0, Integer.MAX_VALUE)
                .filter(n -> n > 0)
                .map(n -> headTime(in, n));
        in.refuse("replay_cache", "answers are not replayed by the edge of this version");
        Optional<Duration> idle =
                in.integer("idle_timeout", 0, MAX_SECONDS).filter(n -> n > 0).map(Duration::ofSeconds);
        Optional<StrictJsonReader> response = in.object("response");
        Map<String, List<String>> headers = response.map(PortReader::headers).orElse(Map.of());
        boolean pristine = response.flatMap(r -> r.bool("pristine")).orElse(false);
        response.ifPresent(StrictJsonReader::done);
        boolean compress = in.bool("compress").orElse(false);
        in.done();
        return new MachineConfig.HttpOptions(headers, pristine, idle, compress, headTime);
    }

    /** A longer time is refused: the edge knows a request's app only once its head is complete. */
    private static Duration headTime(StrictJsonReader in, int seconds) {
        if (seconds > MAX_HEAD_SECONDS) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "%s is %d: every app's heads must come within %d s, and only less can be asked for"
                            .formatted(in.path("headers_read_timeout"), seconds, MAX_HEAD_SECONDS),
                    "leave it out, or say fewer seconds");
        }
        return Duration.ofSeconds(seconds);
    }

    private static void off(StrictJsonReader in, String name, String why) {
        in.bool(name).filter(on -> on).ifPresent(on -> {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    in.path(name) + ": " + why,
                    "leave it out; nothing was changed");
        });
    }

    /** Reads header fields: a string, a list of strings, or {@code false}, which removes the machine's own. */
    private static Map<String, List<String>> headers(StrictJsonReader response) {
        Map<String, List<String>> headers = new LinkedHashMap<>();
        Optional<StrictJsonReader> fields = response.object("headers");
        if (fields.isEmpty()) {
            return headers;
        }
        fields.get().json().properties().forEach(e -> {
            String path = fields.get().path(e.getKey());
            JsonNode value = e.getValue();
            if (!e.getKey().matches("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}") || framing(e.getKey())) {
                throw RejectedException.invalid(path + " is not the name of a field that an answer may be given");
            }
            if (value.isString()) {
                headers.put(e.getKey(), List.of(text(path, value)));
            } else if (value.isArray()) {
                headers.put(
                        e.getKey(), value.valueStream().map(v -> text(path, v)).toList());
            } else if (value.isNull() || (value.isBoolean() && !value.booleanValue())) {
                headers.put(e.getKey(), List.of());
            } else {
                throw RejectedException.invalid(
                        path + " must be a text, a list of texts, or false to take the field out");
            }
        });
        return headers;
    }

    private static boolean framing(String name) {
        return Set.of("connection", "content-length", "transfer-encoding", "upgrade", "trailer", "keep-alive")
                .contains(name.toLowerCase(java.util.Locale.ROOT));
    }

    private static String text(String path, JsonNode value) {
        if (!value.isString() || !value.stringValue().matches("[\\t -~]{0,1000}")) {
            throw RejectedException.invalid(path + " must be a text of at most 1000 printable characters");
        }
        return value.stringValue();
    }

    private static int proxy(StrictJsonReader in, boolean wanted) {
        Optional<String> version = in.object("proxy_proto_options").flatMap(o -> {
            Optional<String> v = o.oneOf("version", List.of("", "v1", "v2"));
            o.done();
            return v.filter(text -> !text.isEmpty());
        });
        if (!wanted && version.isPresent()) {
            throw RejectedException.invalid(
                    in.path("proxy_proto_options") + " is for a port with the handler \"proxy_proto\"");
        }
        return !wanted ? 0 : version.filter("v2"::equals).isPresent() ? 2 : 1;
    }

    private static void tls(StrictJsonReader in, boolean wanted) {
        List<String> alpn = in.strings("alpn");
        if (alpn.stream().anyMatch(name -> !name.equals("http/1.1"))) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "%s is %s: the edge speaks http/1.1".formatted(in.path("alpn"), alpn),
                    "leave it out, or name only http/1.1");
        }
        List<String> versions = in.strings("versions");
        if (!versions.isEmpty() && !Set.copyOf(versions).equals(Set.of("TLSv1.2", "TLSv1.3"))) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "%s is %s: the edge speaks both TLSv1.2 and TLSv1.3, to all apps alike"
                            .formatted(in.path("versions"), versions),
                    "leave it out");
        }
        in.bool("default_self_signed").filter(self -> !self).ifPresent(no -> {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    in.path("default_self_signed")
                            + " is false: where an app has no certificate the edge shows its own",
                    "leave it out");
        });
        in.done();
        if (!wanted) {
            throw RejectedException.invalid(
                    in.path("alpn") + " and the other options of TLS are for a port with the handler" + " \"tls\"");
        }
    }
}
