package org.allod.machine;

import java.util.List;
import org.allod.base.Rejected;
import tools.jackson.databind.JsonNode;

/** Reads the part of a configuration that concerns the edge: services, their limits and health checks. */
final class ServiceReader {
    private static final int DEFAULT_SOFT = 20;
    private static final int DEFAULT_HARD = 25;
    private static final int MAX_CONCURRENCY = 1_000_000;
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
        List<MachineConfig.Check> checks = in.objects("checks", c -> CheckReader.ofService(c, internal));
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
}
