package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.allod.base.MachineId;
import org.allod.base.Rejected;
import org.allod.machine.ConfigReader;
import org.allod.machine.Creation;
import org.allod.machine.Fields;
import org.allod.machine.Leases;
import org.allod.machine.Machine;
import org.allod.machine.MachineConfig;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import tools.jackson.databind.node.ObjectNode;

/** One app's machines: making, changing and reading them. */
public final class MachineEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/machines";
    static final String ONE = ALL + "/{machine_id}";

    private final Machines machines;
    private final MachinePages pages;

    public MachineEndpoints(Machines machines) {
        this.machines = machines;
        this.pages = new MachinePages(machines);
    }

    public List<Endpoint> endpoints() {
        List<Endpoint> all = new ArrayList<>(List.of(
                endpoint(
                        HttpMethod.GET,
                        ALL,
                        "Machines_list",
                        "List an app's machines",
                        List.of("include_deleted", "region", "state", "summary", "metadata.*"),
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
                        this::destroy)));
        all.addAll(new VerbEndpoints(machines).endpoints());
        all.addAll(new HistoryEndpoints(machines).endpoints());
        all.addAll(new LeaseEndpoints(machines).endpoints());
        all.addAll(new MetadataEndpoints(machines).endpoints());
        return all;
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

    /** The same, for what makes no sense once it is destroyed. */
    static Machine living(Machines machines, Call call) {
        Machine m = machine(machines, call);
        if (m.state() == MachineState.DESTROYED) {
            throw Rejected.notFound("machine " + m.id() + " is destroyed");
        }
        return m;
    }

    private Machine machine(Call call) {
        return machine(machines, call);
    }

    private Answer whole(Machine m) {
        return new Answer.Ready(200, List.of(pages.whole(m)));
    }

    private Answer list(Call call) {
        boolean summary = call.flag("summary");
        String region = call.query("region").orElse("");
        Set<MachineState> states = HistoryEndpoints.states(call.list("state"));
        Map<String, String> labels = call.labels();
        Predicate<Machine> fits = m -> (region.isEmpty() || region.equals(m.region()))
                && (states.isEmpty() || states.contains(m.state()))
                && labels.entrySet().stream()
                        .allMatch(l -> l.getValue().equals(m.config().metadata().get(l.getKey())));
        List<Machine> found = machines.list(call.parameter("app_name"), call.flag("include_deleted")).stream()
                .filter(fits)
                .toList();
        return new Answer.Items(
                found.size(),
                (from, to) -> summary
                        ? found.subList(from, to).stream()
                                .map(m -> Views.brief(m).toString().getBytes(StandardCharsets.UTF_8))
                                .toList()
                        : pages.whole(found.subList(from, to)));
    }

    private Answer create(Call call) throws InterruptedException {
        Fields in = call.body();
        Optional<String> name = in.string("name");
        Optional<String> region = in.string("region");
        Optional<String> runtime = in.string("runtime").filter(r -> !r.isEmpty());
        boolean launch = !in.bool("skip_launch").orElse(false);
        boolean cordoned = in.bool("skip_service_registration").orElse(false);
        Fields config = in.object("config")
                .orElseThrow(() -> Rejected.invalid("config is missing: the machine's configuration"));
        Optional<Leases.Ask> lease = common(in, call);
        Machine m = machines.create(
                call.parameter("app_name"),
                new Creation.Request(
                        name,
                        region,
                        runtime,
                        launch,
                        cordoned,
                        lease,
                        config(in, config, call.parameter("app_name")),
                        call.caller().tenant()));
        return leased(m, lease);
    }

    /** The machine with its lease's nonce, where one was asked for. */
    private Answer leased(Machine m, Optional<Leases.Ask> asked) {
        ObjectNode node = Views.machine(m, machines.events(m.id(), Views.EVENTS), machines.checks(m.id()));
        asked.flatMap(ask -> machines.leases().of(m.id())).ifPresent(lease -> node.put("nonce", lease.nonce()));
        return Answer.ok(node);
    }

    /** What create and update share: a lease to take with it, and what is read with the configuration. */
    static Optional<Leases.Ask> common(Fields in, Call call) {
        in.skip("skip_secrets");
        in.skip("min_secrets_version");
        in.refuse("lsvd", "there is no such storage here");
        Optional<Leases.Ask> lease = in.integer("lease_ttl", 0, (int) Leases.MAX_TTL.toSeconds())
                .filter(ttl -> ttl > 0)
                .map(ttl ->
                        new Leases.Ask(Duration.ofSeconds(ttl), call.caller().name(), ""));
        in.done();
        return lease;
    }

    /** The configuration, with what is said of secrets beside it. */
    private MachineConfig config(Fields in, Fields config, String app) {
        boolean skip = in.bool("skip_secrets").orElse(false);
        int version = in.integer("min_secrets_version", 0, Integer.MAX_VALUE).orElse(0);
        MachineConfig read = ConfigReader.read(config).skippingSecrets(skip);
        machines.checkSecrets(app, read, version);
        return read;
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
                Map.entry("name", m.name()), Map.entry("region", m.region()), Map.entry("runtime", m.runtime()))) {
            in.string(fixed.getKey())
                    .filter(v -> !v.isEmpty() && !v.equals(fixed.getValue()))
                    .ifPresent(v -> {
                        throw Rejected.invalid(
                                "%s is \"%s\" and cannot be changed".formatted(fixed.getKey(), fixed.getValue()));
                    });
        }
        in.refuse("skip_service_registration", "a machine that exists is taken out of routing by its verb cordon");
        Fields config = in.object("config")
                .orElseThrow(() -> Rejected.invalid("config is missing: an update replaces the whole configuration"));
        Optional<Leases.Ask> lease = common(in, call);
        Machine now = machines.update(
                m, new Machines.Change(config(in, config, m.app()), expected, launch, lease), call.asker());
        return leased(now, lease);
    }

    private Answer destroy(Call call) throws InterruptedException {
        machines.destroy(machine(call), call.flag("force") || call.flag("kill"), call.asker());
        return ok();
    }

    static Answer ok() {
        return Answer.ok(Views.JSON.objectNode().put("ok", true));
    }
}
