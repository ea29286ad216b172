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
import org.allod.base.RejectedException;
import org.allod.machine.ConfigReader;
import org.allod.machine.Leases;
import org.allod.machine.Machine;
import org.allod.machine.MachineConfig;
import org.allod.machine.MachineCreator;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for one app's machines: create, update and read. */
public final class MachineEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/machines";
    static final String ONE = ALL + "/{machine_id}";

    private final Machines machines;
    private final MachineJsonCache pages;

    public MachineEndpoints(Machines machines) {
        this.machines = machines;
        this.pages = new MachineJsonCache(machines);
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
        all.addAll(new LifecycleEndpoints(machines).endpoints());
        all.addAll(new HistoryEndpoints(machines).endpoints());
        all.addAll(new LeaseEndpoints(machines).endpoints());
        all.addAll(new MetadataEndpoints(machines).endpoints());
        return all;
    }

    static Machine machine(Machines machines, ApiRequest request) {
        String app = request.parameter("app_name");
        String text = request.parameter("machine_id");
        return MachineId.parse(text)
                .map(id -> machines.get(app, id))
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "there is no machine " + text + " in app " + app,
                        "a machine's id is 14 hexadecimal digits"));
    }

    /** As above, for operations that are invalid on a destroyed machine. */
    static Machine living(Machines machines, ApiRequest request) {
        Machine m = machine(machines, request);
        if (m.state() == MachineState.DESTROYED) {
            throw RejectedException.notFound("machine " + m.id() + " is destroyed");
        }
        return m;
    }

    private Machine machine(ApiRequest request) {
        return machine(machines, request);
    }

    private Response whole(Machine m) {
        return new Response.Ready(200, List.of(pages.whole(m)));
    }

    private Response list(ApiRequest request) {
        boolean summary = request.flag("summary");
        String region = request.query("region").orElse("");
        Set<MachineState> states = HistoryEndpoints.states(request.list("state"));
        Map<String, String> labels = request.labels();
        Predicate<Machine> fits = m -> (region.isEmpty() || region.equals(m.region()))
                && (states.isEmpty() || states.contains(m.state()))
                && labels.entrySet().stream()
                        .allMatch(l -> l.getValue().equals(m.config().metadata().get(l.getKey())));
        List<Machine> found = machines.list(request.parameter("app_name"), request.flag("include_deleted")).stream()
                .filter(fits)
                .toList();
        return new Response.Items(
                found.size(),
                (from, to) -> summary
                        ? found.subList(from, to).stream()
                                .map(m -> MachineViews.brief(m).toString().getBytes(StandardCharsets.UTF_8))
                                .toList()
                        : pages.whole(found.subList(from, to)));
    }

    private Response create(ApiRequest request) throws InterruptedException {
        StrictJsonReader in = request.body();
        Optional<String> name = in.string("name");
        Optional<String> region = in.string("region");
        Optional<String> runtime = in.string("runtime").filter(r -> !r.isEmpty());
        boolean launch = !in.bool("skip_launch").orElse(false);
        boolean cordoned = in.bool("skip_service_registration").orElse(false);
        StrictJsonReader config = in.object("config")
                .orElseThrow(() -> RejectedException.invalid("config is missing: the machine's configuration"));
        Optional<Leases.LeaseRequest> lease = createOrUpdate(in, request);
        Machine m = machines.create(
                request.parameter("app_name"),
                new MachineCreator.Request(
                        name,
                        region,
                        runtime,
                        launch,
                        cordoned,
                        lease,
                        config(in, config, request.parameter("app_name")),
                        request.caller().tenant()));
        return leased(m, lease);
    }

    /** The machine, with its lease's nonce if one was requested. */
    private Response leased(Machine m, Optional<Leases.LeaseRequest> asked) {
        ObjectNode node =
                MachineViews.machine(m, machines.events(m.id(), MachineViews.EVENTS), machines.checks(m.id()));
        asked.flatMap(ask -> machines.leases().of(m.id())).ifPresent(lease -> node.put("nonce", lease.nonce()));
        return Response.ok(node);
    }

    /** Fields that create and update share: a lease to take, and fields that are read with the configuration. */
    static Optional<Leases.LeaseRequest> createOrUpdate(StrictJsonReader in, ApiRequest request) {
        in.skip("skip_secrets");
        in.skip("min_secrets_version");
        in.refuse("lsvd", "this host has no such storage");
        Optional<Leases.LeaseRequest> lease = in.integer("lease_ttl", 0, (int) Leases.MAX_TTL.toSeconds())
                .filter(ttl -> ttl > 0)
                .map(ttl -> new Leases.LeaseRequest(
                        Duration.ofSeconds(ttl), request.caller().name(), ""));
        in.done();
        return lease;
    }

    /** Parses the configuration, together with the secret settings next to it. */
    private MachineConfig config(StrictJsonReader in, StrictJsonReader config, String app) {
        boolean skip = in.bool("skip_secrets").orElse(false);
        int version = in.integer("min_secrets_version", 0, Integer.MAX_VALUE).orElse(0);
        MachineConfig read = ConfigReader.read(config).skippingSecrets(skip);
        machines.checkSecrets(app, read, version);
        return read;
    }

    private Response show(ApiRequest request) {
        return whole(machine(request));
    }

    private Response update(ApiRequest request) throws InterruptedException {
        Machine m = machine(request);
        StrictJsonReader in = request.body();
        Optional<String> expected = in.string("current_version").filter(v -> !v.isEmpty());
        boolean launch = !in.bool("skip_launch").orElse(false);
        for (var fixed : List.of(
                Map.entry("name", m.name()), Map.entry("region", m.region()), Map.entry("runtime", m.runtime()))) {
            in.string(fixed.getKey())
                    .filter(v -> !v.isEmpty() && !v.equals(fixed.getValue()))
                    .ifPresent(v -> {
                        throw RejectedException.invalid(
                                "%s is \"%s\" and cannot be changed".formatted(fixed.getKey(), fixed.getValue()));
                    });
        }
        in.refuse("skip_service_registration", "cordon the machine to take it out of routing");
        StrictJsonReader config = in.object("config")
                .orElseThrow(() ->
                        RejectedException.invalid("config is missing: an update replaces the whole configuration"));
        Optional<Leases.LeaseRequest> lease = createOrUpdate(in, request);
        Machine now = machines.update(
                m, new Machines.UpdateRequest(config(in, config, m.app()), expected, launch, lease), request.asker());
        return leased(now, lease);
    }

    private Response destroy(ApiRequest request) throws InterruptedException {
        machines.destroy(machine(request), request.flag("force") || request.flag("kill"), request.asker());
        return ok();
    }

    static Response ok() {
        return Response.ok(MachineViews.JSON.objectNode().put("ok", true));
    }
}
