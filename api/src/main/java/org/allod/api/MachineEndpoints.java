package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.allod.base.MachineId;
import org.allod.base.Rejected;
import org.allod.base.Ulid;
import org.allod.machine.ConfigReader;
import org.allod.machine.Creation;
import org.allod.machine.Durations;
import org.allod.machine.Fields;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.Signals;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** One app's machines: making, reading, and the verbs. */
public final class MachineEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/machines";
    private static final String ONE = ALL + "/{machine_id}";
    private static final Duration MAX_STOP = Duration.ofMinutes(5);
    private static final int MAX_WAIT_SECONDS = 60;

    private final Machines machines;

    public MachineEndpoints(Machines machines) {
        this.machines = machines;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        ALL,
                        "Machines_list",
                        "List an app's machines",
                        List.of("include_deleted", "region", "state", "summary"),
                        this::list),
                endpoint(HttpMethod.POST, ALL, "Machines_create", "Create a machine", List.of(), this::create),
                endpoint(HttpMethod.GET, ONE, "Machines_show", "Show a machine", List.of(), this::show),
                endpoint(HttpMethod.POST, ONE, "Machines_update", "Update a machine", List.of(), this::update),
                endpoint(
                        HttpMethod.DELETE,
                        ONE,
                        "Machines_delete",
                        "Destroy a machine",
                        List.of("force", "kill"),
                        this::destroy),
                endpoint(HttpMethod.POST, ONE + "/start", "Machines_start", "Start it", List.of(), this::start),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/resume",
                        "Machines_resume",
                        "Resume it from its saved memory",
                        List.of(),
                        this::resume),
                endpoint(HttpMethod.POST, ONE + "/stop", "Machines_stop", "Stop it", List.of(), this::stop),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/restart",
                        "Machines_restart",
                        "Restart it",
                        List.of("timeout", "signal", "force_stop"),
                        this::restart),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/suspend",
                        "Machines_suspend",
                        "Save its memory and stop it",
                        List.of(),
                        this::suspend),
                endpoint(HttpMethod.POST, ONE + "/signal", "Machines_signal", "Signal it", List.of(), this::signal),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/cordon",
                        "Machines_cordon",
                        "Take it out of routing",
                        List.of(),
                        call -> cordon(call, true)),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/uncordon",
                        "Machines_uncordon",
                        "Put it back into routing",
                        List.of(),
                        call -> cordon(call, false)),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/wait",
                        "Machines_wait",
                        "Wait for a state",
                        List.of("version", "instance_id", "from_event_id", "timeout", "state"),
                        this::await),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/events",
                        "Machines_list_events",
                        "List its events, newest first",
                        List.of("limit"),
                        this::events),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/versions",
                        "Machines_list_versions",
                        "List the versions of its configuration",
                        List.of(),
                        this::versions));
    }

    static Machine machine(Machines machines, Call call) {
        String app = call.parameter("app_name");
        String text = call.parameter("machine_id");
        return MachineId.parse(text)
                .map(id -> machines.get(app, id))
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.NOT_FOUND,
                        "there is no machine " + text + " in app " + app,
                        "a machine's id is 14 hexadecimal digits"));
    }

    private Machine machine(Call call) {
        return machine(machines, call);
    }

    private Answer whole(Machine m) {
        return Answer.ok(Views.machine(m, machines.events(m.id(), Views.EVENTS), machines.checks(m.id())));
    }

    private Answer list(Call call) {
        boolean summary = call.flag("summary");
        String region = call.query("region").orElse("");
        Set<MachineState> states = states(call.query("state"), "state");
        ArrayNode list = Views.JSON.arrayNode();
        for (Machine m : machines.list(call.parameter("app_name"), call.flag("include_deleted"))) {
            boolean fits =
                    (region.isEmpty() || region.equals(m.region())) && (states.isEmpty() || states.contains(m.state()));
            if (fits) {
                list.add(
                        summary
                                ? Views.brief(m)
                                : Views.machine(m, machines.events(m.id(), Views.EVENTS), machines.checks(m.id())));
            }
        }
        return Answer.ok(list);
    }

    private Answer create(Call call) throws InterruptedException {
        Fields in = call.body();
        Optional<String> name = in.string("name");
        Optional<String> region = in.string("region");
        Optional<String> runtime = in.string("runtime").filter(r -> !r.isEmpty());
        boolean launch = !in.bool("skip_launch").orElse(false);
        Fields config = in.object("config")
                .orElseThrow(() -> Rejected.invalid("config is missing: the machine's configuration"));
        common(in);
        Creation.Request request = new Creation.Request(name, region, runtime, launch, ConfigReader.read(config));
        return whole(machines.create(call.parameter("app_name"), request));
    }

    /** Fields of create and update that this version has nothing behind yet. */
    private static void common(Fields in) {
        in.bool("skip_service_registration");
        in.bool("skip_secrets");
        in.integer("min_secrets_version", 0, 0);
        in.refuse("lease_ttl", "not supported by this version");
        in.refuse("lsvd", "not supported by this version");
        in.done();
    }

    private Answer show(Call call) {
        return whole(machine(call));
    }

    private Answer update(Call call) throws InterruptedException {
        Machine m = machine(call);
        Fields in = call.body();
        Optional<String> expected = in.string("current_version").filter(v -> !v.isEmpty());
        boolean launch = !in.bool("skip_launch").orElse(false);
        for (var fixed : List.of(
                java.util.Map.entry("name", m.name()),
                java.util.Map.entry("region", m.region()),
                java.util.Map.entry("runtime", m.runtime()))) {
            in.string(fixed.getKey())
                    .filter(v -> !v.isEmpty() && !v.equals(fixed.getValue()))
                    .ifPresent(v -> {
                        throw Rejected.invalid(
                                "%s is \"%s\" and cannot be changed".formatted(fixed.getKey(), fixed.getValue()));
                    });
        }
        Fields config = in.object("config")
                .orElseThrow(() -> Rejected.invalid("config is missing: an update replaces the whole configuration"));
        common(in);
        Ulid version = machines.update(m, ConfigReader.read(config), expected, launch);
        machines.await(
                m,
                EnumSet.complementOf(EnumSet.of(MachineState.CREATING)),
                Optional.of(version.toString()),
                Duration.ofSeconds(MAX_WAIT_SECONDS));
        return whole(machines.get(m.app(), m.id()));
    }

    private Answer destroy(Call call) throws InterruptedException {
        machines.destroy(machine(call), call.flag("force") || call.flag("kill"), "user");
        return ok();
    }

    private Answer start(Call call) throws InterruptedException {
        Machine m = machine(call);
        machines.start(m, "user");
        return Answer.ok(Views.JSON
                .objectNode()
                .put("previous_state", m.state().wire())
                .put("migrated", false)
                .put("new_host", ""));
    }

    private Answer resume(Call call) throws InterruptedException {
        Machine m = machine(call);
        if (m.state() != MachineState.SUSPENDED && m.state() != MachineState.STARTED) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "cannot resume a machine that is " + m.state().wire(),
                    "start it instead");
        }
        machines.start(m, "user");
        return Answer.ok(Views.JSON.objectNode().put("previous_state", m.state().wire()));
    }

    private Answer stop(Call call) throws InterruptedException {
        Machine m = machine(call);
        Fields in = call.body();
        Optional<Integer> signal =
                in.string("signal").filter(s -> !s.isEmpty()).map(s -> ConfigReader.signal("signal", s));
        Optional<Duration> timeout = in.duration("timeout", MAX_STOP);
        in.done();
        machines.stop(m, signal, timeout, "user");
        return ok();
    }

    private Answer restart(Call call) throws InterruptedException {
        Machine m = machine(call);
        Optional<Integer> signal = call.query("signal").map(s -> ConfigReader.signal("signal", s));
        Optional<Duration> timeout = call.query("timeout")
                .map(text -> Durations.parse(text)
                        .filter(d -> d.compareTo(MAX_STOP) <= 0)
                        .orElseThrow(() -> Rejected.invalid(
                                "timeout is \"%s\": it must be a duration such as 10s, at most 5m".formatted(text))));
        machines.restart(m, signal, call.flag("force_stop") ? Optional.of(Duration.ZERO) : timeout, "user");
        return ok();
    }

    private Answer suspend(Call call) throws InterruptedException {
        machines.suspend(machine(call), "user");
        return ok();
    }

    private Answer signal(Call call) {
        Machine m = machine(call);
        Fields in = call.body();
        // Some clients send the number.
        var json = in.json().get("signal");
        int signal;
        if (json != null && json.isIntegralNumber()) {
            in.skip("signal");
            signal = ConfigReader.signal("signal", json.toString());
        } else {
            signal = in.string("signal")
                    .map(s -> ConfigReader.signal("signal", s))
                    .orElseThrow(
                            () -> Rejected.invalid("signal is missing: one of " + String.join(", ", Signals.NAMES)));
        }
        in.done();
        machines.guest(m).signal(signal);
        return ok();
    }

    private Answer cordon(Call call, boolean cordoned) {
        machines.cordon(machine(call), cordoned);
        return ok();
    }

    private Answer await(Call call) throws InterruptedException {
        Machine m = machine(call);
        Set<MachineState> states = states(call.query("state").or(() -> Optional.of("started")), "state");
        Optional<String> version = call.query("version").or(() -> call.query("instance_id"));
        int seconds = call.number("timeout", 1, MAX_WAIT_SECONDS, MAX_WAIT_SECONDS);
        Machine now = machines.await(m, states, version, Duration.ofSeconds(seconds));
        return Answer.ok(Views.JSON
                .objectNode()
                .put("ok", true)
                .put("state", now.state().wire())
                .put("version", now.version().toString())
                .put(
                        "event_id",
                        machines.events(m.id(), 1).stream()
                                .findFirst()
                                .map(e -> e.id().toString())
                                .orElse("")));
    }

    /** States by name, separated by commas; {@code settled}, and nothing at all, is the empty set: any that lasts. */
    private static Set<MachineState> states(Optional<String> text, String name) {
        Set<MachineState> states = EnumSet.noneOf(MachineState.class);
        for (String word : text.orElse("").split(",", 20)) {
            if (word.equals("settled")) {
                return Set.of();
            }
            if (!word.isEmpty()) {
                states.add(MachineState.parse(word)
                        .orElseThrow(() -> Rejected.invalid("%s is \"%s\": allowed are settled, %s"
                                .formatted(
                                        name,
                                        word,
                                        String.join(
                                                ", ",
                                                EnumSet.allOf(MachineState.class).stream()
                                                        .map(MachineState::wire)
                                                        .toList())))));
            }
        }
        return states;
    }

    private Answer events(Call call) {
        Machine m = machine(call);
        ArrayNode list = Views.JSON.arrayNode();
        machines.events(m.id(), call.number("limit", 1, 100, 100)).forEach(e -> list.add(Views.event(e)));
        return Answer.ok(list);
    }

    private Answer versions(Call call) {
        Machine m = machine(call);
        ArrayNode list = Views.JSON.arrayNode();
        machines.versions(m.id()).forEach(v -> {
            ObjectNode node = list.addObject().put("version", v.version());
            node.set("user_config", v.config().json());
        });
        return Answer.ok(list);
    }

    private static Answer ok() {
        return Answer.ok(Views.JSON.objectNode().put("ok", true));
    }
}
