package org.allod.machine;

import java.util.List;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;

/** Reads {@code config.services}: what the edge routes to the machine, and its limits. */
final class ServiceReader {
    private static final int DEFAULT_SOFT = 20;
    private static final int DEFAULT_HARD = 25;
    private static final int MAX_CONCURRENCY = 1_000_000;

    private ServiceReader() {}

    static MachineConfig.Service service(StrictJsonReader in, boolean autostartDefault) {
        in.oneOf("protocol", List.of("", "tcp", "udp")).filter("udp"::equals).ifPresent(udp -> {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    in.path("protocol") + " is \"udp\": the edge of this version carries TCP",
                    "leave the service out; the machine's own address can be reached by UDP from this host");
        });
        int internal = in.integer("internal_port", 1, 65_535)
                .orElseThrow(() ->
                        RejectedException.invalid(in.path("internal_port") + " is missing: the port the guest serves"));
        List<MachineConfig.Port> ports = in.objects("ports", PortReader::port);
        MachineConfig.Concurrency concurrency = in.object("concurrency")
                .map(ServiceReader::concurrency)
                .orElse(new MachineConfig.Concurrency(true, DEFAULT_SOFT, DEFAULT_HARD));
        boolean autostart = in.bool("autostart").orElse(autostartDefault);
        MachineConfig.Autostop autostop = autostop(in);
        int min = in.integer("min_machines_running", 0, 1_000).orElse(0);
        List<MachineConfig.Check> checks = in.objects("checks", c -> CheckReader.ofService(c, internal));
        for (String name : List.of("force_instance_key", "force_instance_description")) {
            in.refuse(
                    name,
                    "that API gives it no meaning that could be kept; ask for a machine by fly-replay or by port");
        }
        return new MachineConfig.Service(internal, ports, concurrency, autostart, autostop, min, checks);
    }

    /** Accepts a word, or a boolean as older clients send it. */
    private static MachineConfig.Autostop autostop(StrictJsonReader in) {
        JsonNode value = in.json().get("autostop");
        if (value != null && value.isBoolean()) {
            in.skip("autostop");
            return value.booleanValue() ? MachineConfig.Autostop.STOP : MachineConfig.Autostop.OFF;
        }
        return switch (in.oneOf("autostop", List.of("", "off", "stop", "suspend"))
                .orElse("off")) {
            case "stop" -> MachineConfig.Autostop.STOP;
            case "suspend" -> MachineConfig.Autostop.SUSPEND;
            default -> MachineConfig.Autostop.OFF;
        };
    }

    private static MachineConfig.Concurrency concurrency(StrictJsonReader in) {
        String type = in.oneOf("type", List.of("", "connections", "requests")).orElse("");
        int hard =
                in.integer("hard_limit", 0, MAX_CONCURRENCY).filter(n -> n > 0).orElse(DEFAULT_HARD);
        int soft =
                in.integer("soft_limit", 0, MAX_CONCURRENCY).filter(n -> n > 0).orElse(Math.min(hard, DEFAULT_SOFT));
        if (soft > hard) {
            throw RejectedException.invalid("%s is %d, above %s, which is %d"
                    .formatted(in.path("soft_limit"), soft, in.path("hard_limit"), hard));
        }
        in.done();
        return new MachineConfig.Concurrency(!type.equals("requests"), soft, hard);
    }
}
