package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import java.util.Optional;
import org.allod.base.Rejected;
import org.allod.machine.App;
import org.allod.machine.Fields;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Apps, and what spans them. */
public final class AppEndpoints {
    private static final String ORG = "personal";

    private final Machines machines;

    public AppEndpoints(Machines machines) {
        this.machines = machines;
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
                endpoint(HttpMethod.POST, "/v1/apps", "Apps_create", "Create an app", List.of(), this::create),
                endpoint(HttpMethod.GET, "/v1/apps/{app_name}", "Apps_show", "Show an app", List.of(), this::show),
                operator(
                        HttpMethod.DELETE,
                        "/v1/apps/{app_name}",
                        "Apps_delete",
                        "Delete an app; with force, its machines too",
                        List.of("force"),
                        this::delete),
                endpoint(
                        HttpMethod.GET,
                        "/v1/orgs/{org_slug}/machines",
                        "Machines_org_list",
                        "List the machines of every app",
                        List.of("updated_after", "cursor", "limit", "region", "state", "include_deleted", "summary"),
                        this::all));
    }

    /** What no app's token may do, though the path names the app. */
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

    private Answer list(Call call) {
        call.query("org_slug").ifPresent(AppEndpoints::checkOrg);
        ObjectNode body = Views.JSON.objectNode();
        ArrayNode apps = body.putArray("apps");
        machines.apps().forEach(app -> apps.add(Views.app(app, machines)));
        body.put("total_apps", apps.size());
        return Answer.ok(body);
    }

    private Answer create(Call call) {
        Fields in = call.body();
        String name = in.string("app_name")
                .or(() -> in.string("name"))
                .orElseThrow(() -> Rejected.invalid("name is missing: what the app is to be called"));
        in.skip("name");
        in.string("org_slug").ifPresent(AppEndpoints::checkOrg);
        Optional<String> network = in.string("network").filter(n -> !n.isEmpty());
        in.bool("enable_subdomains")
                .filter(on -> on)
                .ifPresent(on -> in.refuse("enable_subdomains", "not supported by this version"));
        in.done();
        App app = machines.createApp(name, network);
        ObjectNode body = Views.app(app, machines);
        // The interface answers with a deploy token; deploy tokens come with the vault, so none is made up here.
        body.put("token", "");
        body.put("created_at", app.created().toEpochMilli());
        return new Answer.Json(201, body);
    }

    private Answer show(Call call) {
        return Answer.ok(Views.app(machines.app(call.parameter("app_name")), machines));
    }

    private Answer delete(Call call) throws InterruptedException {
        machines.deleteApp(call.parameter("app_name"), call.flag("force"), call.asker());
        return new Answer.Empty(202);
    }

    private Answer all(Call call) {
        checkOrg(call.parameter("org_slug"));
        int limit = call.number("limit", 1, 1_000, 1_000);
        String after = call.query("cursor").orElse("");
        String state = call.query("state").orElse("");
        List<Machine> page = machines.all().stream()
                .filter(m -> m.id().text().compareTo(after) > 0)
                .filter(m -> state.isEmpty() || m.state().wire().equals(state))
                .sorted((a, b) -> a.id().compareTo(b.id()))
                .limit(limit + 1L)
                .toList();
        ObjectNode body = Views.JSON.objectNode();
        ArrayNode list = body.putArray("machines");
        page.stream().limit(limit).forEach(m -> {
            ObjectNode node = Views.brief(m).put("app_name", m.app()).put("runtime", m.runtime());
            ObjectNode config = node.putObject("config");
            config.put("image", m.config().image());
            config.set("guest", m.config().json().get("guest"));
            list.add(node);
        });
        if (page.size() > limit) {
            body.put("next_cursor", page.get(limit - 1).id().text());
        }
        body.putArray("error_regions");
        return Answer.ok(body);
    }

    private static void checkOrg(String slug) {
        if (!slug.equals(ORG) && !slug.isEmpty()) {
            throw Rejected.because(
                    Rejected.Reason.NOT_FOUND,
                    "there is no organisation " + slug,
                    "a host of one's own has one: " + ORG);
        }
    }
}
