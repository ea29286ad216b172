package org.allod.machine;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Rejected;
import tools.jackson.databind.JsonNode;

/** Reads the part of a configuration that concerns the edge: services, their limits and health checks. */
final class ServiceReader {
    private static final int DEFAULT_SOFT = 20;
    private static final int DEFAULT_HARD = 25;
    private static final int MAX_CONCURRENCY = 1_000_000;
    private static final Duration MAX_CHECK = Duration.ofHours(1);
    private static final String LATER = "not supported by this version";

    private ServiceReader() {}

    static MachineConfig.Service service(Fields in, boolean autostartDefault) {
        in.oneOf("protocol", List.of("", "tcp"));
        int internal = in.integer("internal_port", 1, 65_535)
                .orElseThrow(
                        () -> Rejected.invalid(in.path("internal_port") + " is missing: the port the guest serves"));
        List<MachineConfig.Port> ports = in.objects("ports", ServiceReader::port);
        MachineConfig.Concurrency concurrency = in.object("concurrency")
                .map(ServiceReader::concurrency)
                .orElse(new MachineConfig.Concurrency(true, DEFAULT_SOFT, DEFAULT_HARD));
        boolean autostart = in.bool("autostart").orElse(autostartDefault);
        MachineConfig.Autostop autostop = autostop(in);
        int min = in.integer("min_machines_running", 0, 1_000).orElse(0);
        List<MachineConfig.Check> checks = in.objects("checks", c -> check(c, Optional.of(internal)));
        in.refuse("force_instance_key", LATER);
        in.refuse("force_instance_description", LATER);
        return new MachineConfig.Service(internal, ports, concurrency, autostart, autostop, min, checks);
    }

    /** A word, or a truth value as older clients send it. */
    private static MachineConfig.Autostop autostop(Fields in) {
        JsonNode value = in.json().get("autostop");
        if (value != null && value.isBoolean()) {
            in.skip("autostop");
            return value.booleanValue() ? MachineConfig.Autostop.STOP : MachineConfig.Autostop.OFF;
        }
        return switch (in.oneOf("autostop", List.of("off", "stop", "suspend")).orElse("off")) {
            case "stop" -> MachineConfig.Autostop.STOP;
            case "suspend" -> MachineConfig.Autostop.SUSPEND;
            default -> MachineConfig.Autostop.OFF;
        };
    }

    private static MachineConfig.Port port(Fields in) {
        int port = in.integer("port", 1, 65_535)
                .orElseThrow(() -> Rejected.invalid(in.path("port") + " is missing: the port the edge serves"));
        List<String> handlers = in.strings("handlers");
        for (String handler : handlers) {
            if (!handler.equals("http")) {
                throw Rejected.because(
                        Rejected.Reason.UNSUPPORTED,
                        "%s names \"%s\": only \"http\" is supported by this version"
                                .formatted(in.path("handlers"), handler));
            }
        }
        in.bool("force_https").filter(force -> force).ifPresent(force -> {
            throw Rejected.because(Rejected.Reason.UNSUPPORTED, in.path("force_https") + ": " + LATER);
        });
        for (String later : List.of("start_port", "end_port", "http_options", "proxy_proto_options", "tls_options")) {
            in.refuse(later, LATER);
        }
        return new MachineConfig.Port(port, handlers);
    }

    private static MachineConfig.Concurrency concurrency(Fields in) {
        String type = in.oneOf("type", List.of("", "connections", "requests")).orElse("");
        int hard =
                in.integer("hard_limit", 0, MAX_CONCURRENCY).filter(n -> n > 0).orElse(DEFAULT_HARD);
        int soft =
                in.integer("soft_limit", 0, MAX_CONCURRENCY).filter(n -> n > 0).orElse(Math.min(hard, DEFAULT_SOFT));
        if (soft > hard) {
            throw Rejected.invalid("%s is %d, above %s, which is %d"
                    .formatted(in.path("soft_limit"), soft, in.path("hard_limit"), hard));
        }
        in.done();
        return new MachineConfig.Concurrency(!type.equals("requests"), soft, hard);
    }

    static MachineConfig.Check check(Fields in, Optional<Integer> servicePort) {
        String type = in.oneOf("type", List.of("tcp", "http"))
                .orElseThrow(() -> Rejected.invalid(in.path("type") + " is missing: tcp or http"));
        int port = in.integer("port", 1, 65_535)
                .or(() -> servicePort)
                .orElseThrow(() -> Rejected.invalid(in.path("port") + " is missing: the port to ask"));
        in.oneOf("protocol", List.of("", "http"));
        in.refuse("tls_server_name", LATER);
        in.bool("tls_skip_verify");
        Map<String, List<String>> headers = new LinkedHashMap<>();
        in.objects("headers", h -> {
            String name = h.string("name")
                    .filter(n -> n.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+"))
                    .orElseThrow(() -> Rejected.invalid(h.path("name") + " is not the name of a header"));
            headers.put(name, h.strings("values"));
            return name;
        });
        String path = in.string("path").filter(p -> !p.isEmpty()).orElse("/");
        if (!path.startsWith("/") || !path.matches("[!-~]+")) {
            throw Rejected.invalid(in.path("path") + " must start with / and have no spaces");
        }
        return new MachineConfig.Check(
                type.equals("http"),
                port,
                in.oneOf("method", List.of("", "GET", "HEAD", "POST", "PUT", "OPTIONS", "get", "head"))
                        .filter(m -> !m.isEmpty())
                        .map(m -> m.toUpperCase(java.util.Locale.ROOT))
                        .orElse("GET"),
                path,
                headers,
                in.duration("interval", MAX_CHECK)
                        .filter(ServiceReader::positive)
                        .orElse(Duration.ofSeconds(10)),
                in.duration("timeout", MAX_CHECK)
                        .filter(ServiceReader::positive)
                        .orElse(Duration.ofSeconds(2)),
                in.duration("grace_period", MAX_CHECK).orElse(Duration.ZERO),
                in.oneOf("kind", List.of("", "informational", "readiness"))
                        .filter("readiness"::equals)
                        .isPresent());
    }

    private static boolean positive(Duration duration) {
        return duration.toMillis() > 0;
    }
}
