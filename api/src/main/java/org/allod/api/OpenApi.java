package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The interface description, generated from the endpoint table so that it cannot differ from it. */
public final class OpenApi {
    private final List<Endpoint> described;

    public OpenApi(List<Endpoint> described) {
        this.described = List.copyOf(described);
    }

    public List<Endpoint> endpoints() {
        return List.of(endpoint(
                HttpMethod.GET,
                "/v1/openapi.json",
                "OpenApi",
                "This description",
                List.of(),
                request -> Response.ok(document())));
    }

    ObjectNode document() {
        ObjectNode root = MachineViews.JSON.objectNode().put("openapi", "3.0.1");
        root.putObject("info").put("title", "Allod").put("version", "1.0");
        ObjectNode paths = root.putObject("paths");
        described.forEach(e -> describe(paths.withObjectProperty(e.template()), e));
        return root;
    }

    private static void describe(ObjectNode path, Endpoint e) {
        ObjectNode operation = path.putObject(e.method().name().toLowerCase(Locale.ROOT));
        operation.put("operationId", e.operation()).put("summary", e.summary());
        ArrayNode parameters = operation.putArray("parameters");
        for (String segment : e.template().split("/", -1)) {
            if (segment.startsWith("{")) {
                parameter(parameters, segment.substring(1, segment.length() - 1), "path", true);
            }
        }
        e.query().forEach(name -> parameter(parameters, name, "query", false));
        operation.putObject("responses").putObject("default").put("description", "see the guide");
    }

    private static void parameter(ArrayNode into, String name, String in, boolean required) {
        into.addObject()
                .put("name", name)
                .put("in", in)
                .put("required", required)
                .putObject("schema")
                .put("type", "string");
    }
}
