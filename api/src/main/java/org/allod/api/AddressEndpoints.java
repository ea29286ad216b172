package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import org.allod.machine.AppAddresses;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for the addresses at which an app is reached. */
public final class AddressEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/ip_assignments";

    private final Machines machines;
    private final AppAddresses addresses;

    public AddressEndpoints(Machines machines, AppAddresses addresses) {
        this.machines = machines;
        this.addresses = addresses;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        ALL,
                        "App_IPAssignments_list",
                        "List an app's addresses",
                        List.of(),
                        this::list),
                endpoint(
                        HttpMethod.POST, ALL, "App_IPAssignments_create", "Assign an address", List.of(), this::assign),
                endpoint(
                        HttpMethod.DELETE,
                        ALL + "/{ip}",
                        "App_IPAssignments_delete",
                        "Take an address back",
                        List.of(),
                        this::release));
    }

    private String app(ApiRequest request) {
        return machines.app(request.parameter("app_name")).name();
    }

    private Response list(ApiRequest request) {
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("ips");
        addresses.list(app(request)).forEach(a -> list.add(view(a)));
        return Response.ok(body);
    }

    private Response assign(ApiRequest request) {
        String app = app(request);
        StrictJsonReader in = request.body();
        in.oneOf("org_slug", List.of("", "personal"));
        AppAddresses.Ask ask = new AppAddresses.Ask(
                in.string("type").filter(t -> !t.isEmpty()).orElse("shared_v4"),
                in.string("region").orElse(""),
                in.string("network").orElse(""),
                in.string("service_name").orElse(""));
        in.done();
        return Response.ok(view(addresses.assign(app, ask)));
    }

    private Response release(ApiRequest request) {
        addresses.release(app(request), request.parameter("ip"));
        return new Response.Empty(204);
    }

    private static ObjectNode view(AppAddresses.Assignment a) {
        return MachineViews.JSON
                .objectNode()
                .put("ip", a.ip())
                .put("region", "global")
                .put("shared", true)
                .put("service_name", "")
                .put("created_at", a.created().toString());
    }
}
