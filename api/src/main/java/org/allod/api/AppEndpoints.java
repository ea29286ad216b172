package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.machine.App;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import org.allod.machine.Volumes;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for apps, and for operations that span them. */
public final class AppEndpoints {
    private final Machines machines;
    private final Volumes volumes;

    public AppEndpoints(Machines machines, Volumes volumes) {
        this.machines = machines;
        this.volumes = volumes;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        "/v1/apps",
                        "Apps_list",
                        "List apps",
                        List.of("org_slug", "app_role"),
                        this::list),
                endpoint(HttpMethod.POST, "/v1/apps", "Apps_create", "Create an app", List.of("wait"), this::create),
                endpoint(HttpMethod.GET, "/v1/apps/{app_name}", "Apps_show", "Show an app", List.of(), this::show),
                operator(
                        HttpMethod.DELETE,
                        "/v1/apps/{app_name}",
                        "Apps_delete",
                        "Delete an app; with force, its machines too",
                        List.of("force"),
                        this::delete));
    }

    /** An endpoint that an app's token may not use, even though the path names the app. */
    static Endpoint operator(
            HttpMethod method,
            String template,
            String operation,
            String summary,
            List<String> query,
            Endpoint.Handler handler) {
        return new Endpoint(method, template, operation, summary, query, Endpoint.Access.OPERATOR, handler);
    }

    static Endpoint endpoint(
            HttpMethod method,
            String template,
            String operation,
            String summary,
            List<String> query,
            Endpoint.Handler handler) {
        return endpoint(method, template, operation, summary, query, Endpoint.Access.TOKEN, handler);
    }

    static Endpoint endpoint(
            HttpMethod method,
            String template,
            String operation,
            String summary,
            List<String> query,
            Endpoint.Access access,
            Endpoint.Handler handler) {
        return new Endpoint(method, template, operation, summary, query, access, handler);
    }

    private ObjectNode view(App app) {
        return MachineViews.app(
                app, machines.of(app.name()).size(), volumes.list(app.name()).size());
    }

    private Response list(ApiRequest request) {
        request.query("org_slug").ifPresent(OrgEndpoints::checkOrg);
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode apps = body.putArray("apps");
        // No app here has a role, so none matches.
        if (request.query("app_role").isEmpty()) {
            machines.apps().forEach(app -> apps.add(view(app)));
        }
        body.put("total_apps", apps.size());
        return Response.ok(body);
    }

    /**
     * Creates an app. It exists once the response is sent, so {@code wait}, which fly-go sends, is honoured either way.
     */
    private Response create(ApiRequest request) {
        boolean _ = request.flag("wait");
        StrictJsonReader in = request.body();
        // The description and the clients of the Machines API use different names for this field.
        Optional<String> named = in.string("name");
        String name = in.string("app_name")
                .or(() -> named)
                .orElseThrow(() -> RejectedException.invalid("name is missing: the name of the app"));
        named.filter(other -> !other.isEmpty() && !other.equals(name)).ifPresent(other -> {
            throw RejectedException.invalid("name is \"%s\" and app_name \"%s\": say one, or the same in both"
                    .formatted(StrictJsonReader.clip(other), StrictJsonReader.clip(name)));
        });
        in.string("org_slug").ifPresent(OrgEndpoints::checkOrg);
        Optional<String> network = in.string("network").filter(n -> !n.isEmpty());
        in.refuse("enable_subdomains", "not supported by this version");
        in.refuse("app_role_id", "apps have no roles here");
        in.done();
        App app = machines.createApp(name, network);
        ObjectNode body = view(app);
        // A token is made only on request (deploy_token): an unused one is a risk without benefit.
        body.put("token", "");
        body.put("created_at", app.created().toEpochMilli());
        return new Response.Json(201, body);
    }

    private Response show(ApiRequest request) {
        return Response.ok(view(machines.app(request.parameter("app_name"))));
    }

    private Response delete(ApiRequest request) throws InterruptedException {
        machines.deleteApp(request.parameter("app_name"), request.flag("force"), request.asker());
        return new Response.Empty(202);
    }
}
