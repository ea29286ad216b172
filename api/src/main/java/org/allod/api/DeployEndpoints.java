package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.deploy.Deploy;
import org.allod.deploy.DeployService;
import org.allod.deploy.DeployState;
import org.allod.deploy.Plan;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Endpoints for an app's deploys: start, follow, cancel. Specific to Allod; existing clients deploy machine by machine.
 */
public final class DeployEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/deploys";
    private static final String ONE = ALL + "/{deploy_id}";

    /** How often a follower checks whether its client has gone. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    private final DeployService deploys;

    public DeployEndpoints(DeployService deploys) {
        this.deploys = deploys;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(HttpMethod.GET, ALL, "Deploys_list", "List an app's deploys", List.of(), this::list),
                endpoint(HttpMethod.POST, ALL, "Deploys_create", "Deploy an app", List.of(), this::create),
                endpoint(
                        HttpMethod.POST,
                        ALL + "/rollback",
                        "Deploys_rollback",
                        "Deploy again what an earlier deploy did",
                        List.of(),
                        this::rollback),
                endpoint(HttpMethod.GET, ONE, "Deploys_show", "Show a deploy", List.of(), this::show),
                endpoint(
                        HttpMethod.GET,
                        ONE + "/watch",
                        "Deploys_watch",
                        "Follow a deploy until it is over: a line for each change",
                        List.of(),
                        this::watch),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/cancel",
                        "Deploys_cancel",
                        "Take back a deploy that is under way",
                        List.of(),
                        this::cancel));
    }

    private static String app(ApiRequest request) {
        return request.parameter("app_name");
    }

    private Deploy deploy(ApiRequest request) {
        return deploys.get(app(request), request.parameter("deploy_id"));
    }

    private Response list(ApiRequest request) {
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("deploys");
        deploys.list(app(request)).forEach(d -> list.add(brief(d)));
        return Response.ok(body);
    }

    private Response create(ApiRequest request) {
        Plan plan = DeployService.read(request.body());
        return Response.ok(view(deploys.start(app(request), plan, request.asker())));
    }

    private Response rollback(ApiRequest request) {
        StrictJsonReader in = request.body();
        Optional<String> to = in.string("to").filter(t -> !t.isEmpty());
        in.done();
        return Response.ok(view(deploys.rollback(app(request), to, request.asker())));
    }

    private Response show(ApiRequest request) {
        return Response.ok(view(deploy(request)));
    }

    private Response cancel(ApiRequest request) {
        StrictJsonReader in = request.body();
        String cause = in.string("cause")
                .filter(c -> !c.isBlank())
                .orElse("cancelled by " + request.caller().name());
        in.done();
        return Response.ok(view(deploys.cancel(app(request), request.parameter("deploy_id"), cause)));
    }

    private Response watch(ApiRequest request) {
        Deploy deploy = deploy(request);
        return new Response.Lines(sink -> follow(deploy, sink));
    }

    /** Sends the deploy's current state, then each change, until it ends or its app is deleted. */
    private void follow(Deploy deploy, Response.Lines.Sink sink) throws IOException, InterruptedException {
        sink.line(view(deploy));
        Deploy now = deploy;
        while (!now.status().over() && sink.open()) {
            Optional<Deploy> next = deploys.after(now, now.revision(), LOOK);
            if (next.isEmpty()) {
                return;
            }
            if (next.get().revision() > now.revision()) {
                sink.line(view(next.get()));
            }
            now = next.get();
        }
    }

    private static ObjectNode brief(Deploy d) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("id", d.id())
                .put("app", d.app())
                .put("number", d.number())
                .put("status", d.status().wire())
                .put("strategy", d.plan().strategy().wire())
                .put("why", d.why())
                .put("source", d.source())
                .put("created_at", d.created().toString());
        d.ended().ifPresent(at -> node.put("ended_at", at.toString()));
        ArrayNode groups = node.putArray("groups");
        for (Plan.Group group : d.plan().groups()) {
            ObjectNode one = groups.addObject().put("name", group.name()).put("image", group.image());
            group.count().ifPresent(count -> one.put("count", count));
        }
        return node;
    }

    private static ObjectNode view(Deploy d) {
        ObjectNode node = brief(d);
        node.put("stage", d.state().map(s -> s.stage().wire()).orElse("images")).put("revision", d.revision());
        ArrayNode machines = node.putArray("machines");
        d.state()
                .map(DeployState::slots)
                .orElse(List.of())
                .forEach(slot -> machines.addObject()
                        .put("id", slot.machine())
                        .put("name", slot.name())
                        .put("group", slot.group())
                        .put("role", slot.role().name().toLowerCase(java.util.Locale.ROOT))
                        .put("phase", slot.phase().wire())
                        .put("note", slot.note()));
        return node;
    }
}
