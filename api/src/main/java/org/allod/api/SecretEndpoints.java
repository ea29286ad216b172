package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.machine.Machines;
import org.allod.trust.Secrets;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for an app's secrets. A machine receives changed secrets at its next boot. */
public final class SecretEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/secrets";
    private static final String ONE = ALL + "/{secret_name}";

    private final Machines machines;
    private final Secrets secrets;

    public SecretEndpoints(Machines machines, Secrets secrets) {
        this.machines = machines;
        this.secrets = secrets;
    }

    public List<Endpoint> endpoints() {
        List<String> reading = List.of("min_version", "show_secrets");
        return List.of(
                endpoint(HttpMethod.GET, ALL, "Secrets_list", "List an app's secrets", reading, this::list),
                endpoint(
                        HttpMethod.POST,
                        ALL,
                        "Secrets_update",
                        "Set and unset secrets, all at once",
                        List.of(),
                        this::update),
                endpoint(HttpMethod.GET, ONE, "Secret_get", "Show a secret", reading, this::show),
                endpoint(HttpMethod.POST, ONE, "Secret_create", "Set a secret", List.of(), this::set),
                endpoint(HttpMethod.DELETE, ONE, "Secret_delete", "Unset a secret", List.of(), this::delete));
    }

    private String app(ApiRequest request) {
        return machines.app(request.parameter("app_name")).name();
    }

    private Response list(ApiRequest request) {
        String app = app(request);
        long version = recent(request, app, secrets.version(app));
        Map<String, String> values = values(request, app);
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("secrets");
        secrets.list(app).forEach(s -> list.add(view(s, Optional.ofNullable(values.get(s.name())))));
        return Response.ok(versioned(body, version));
    }

    private Response show(ApiRequest request) {
        String app = app(request);
        var _ = recent(request, app, secrets.version(app));
        Secrets.Secret secret = secrets.get(app, request.parameter("secret_name"));
        return Response.ok(view(secret, Optional.ofNullable(values(request, app).get(secret.name()))));
    }

    private Map<String, String> values(ApiRequest request, String app) {
        return request.flag("show_secrets") ? secrets.reveal(app).values() : Map.of();
    }

    private Response update(ApiRequest request) {
        String app = app(request);
        Map<String, Optional<String>> values =
                SecretRequestReader.of(request, List.of("values")).map("values");
        if (values.isEmpty()) {
            throw RejectedException.invalid("values is empty: name the secrets to set, or null to unset");
        }
        Secrets.Update update = secrets.update(app, values);
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("secrets");
        update.secrets().forEach(s -> list.add(view(s, Optional.empty())));
        return Response.ok(versioned(body, update.version()));
    }

    private Response set(ApiRequest request) {
        String app = app(request);
        String value = SecretRequestReader.of(request, List.of("value")).required("value");
        Secrets.Update update = secrets.update(app, Map.of(request.parameter("secret_name"), Optional.of(value)));
        ObjectNode body = view(update.secrets().getFirst(), Optional.empty());
        return new Response.Json(201, versioned(body, update.version()));
    }

    private Response delete(ApiRequest request) {
        long version = secrets.delete(app(request), request.parameter("secret_name"));
        return Response.ok(versioned(MachineViews.JSON.objectNode(), version));
    }

    /** Older and newer clients read different fields, so both are set. */
    static ObjectNode versioned(ObjectNode body, long version) {
        return body.put("Version", version).put("version", version);
    }

    /**
     * Refuses to respond with data older than {@code min_version}. This host is the authority, so waiting would not
     * help.
     */
    static long recent(ApiRequest request, String app, long version) {
        request.query("min_version").ifPresent(text -> {
            if (!text.matches("[0-9]{1,18}")) {
                throw RejectedException.invalid(
                        "min_version is \"%s\": it must be a version that a change returned".formatted(text));
            }
            if (Long.parseLong(text) > version) {
                throw RejectedException.because(
                        RejectedException.Reason.STALE,
                        "min_version is %s, but the secrets of app %s are at version %d".formatted(text, app, version),
                        "send a version that a change of this app returned");
            }
        });
        return version;
    }

    private static ObjectNode view(Secrets.Secret secret, Optional<String> value) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("name", secret.name())
                .put("digest", secret.digest())
                .put("created_at", secret.created().toString())
                .put("updated_at", secret.updated().toString());
        value.ifPresent(v -> node.put("value", v));
        return node;
    }
}
