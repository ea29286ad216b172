package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;
import static org.allod.api.SecretEndpoints.recent;
import static org.allod.api.SecretEndpoints.versioned;

import io.netty.handler.codec.http.HttpMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.allod.base.RejectedException;
import org.allod.machine.Machines;
import org.allod.trust.KeyType;
import org.allod.trust.SecretKeys;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Endpoints for an app's secret keys, which are used here and never shown. Bytes are returned in the encoding of the
 * request.
 */
public final class SecretKeyEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/secretkeys";
    private static final String ONE = ALL + "/{secret_name}";
    private static final byte[] NONE = new byte[0];

    private final Machines machines;
    private final SecretKeys keys;

    public SecretKeyEndpoints(Machines machines, SecretKeys keys) {
        this.machines = machines;
        this.keys = keys;
    }

    public List<Endpoint> endpoints() {
        List<String> recent = List.of("min_version");
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        ALL,
                        "Secretkeys_list",
                        "List an app's secret keys",
                        List.of("min_version", "types"),
                        this::list),
                endpoint(HttpMethod.GET, ONE, "Secretkey_get", "Show a secret key", recent, this::show),
                endpoint(HttpMethod.POST, ONE, "Secretkey_set", "Keep a key that you bring", List.of(), this::bring),
                endpoint(HttpMethod.DELETE, ONE, "Secretkey_delete", "Delete a key", List.of(), this::delete),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/generate",
                        "Secretkey_generate",
                        "Make a key at random",
                        List.of(),
                        this::generate),
                endpoint(HttpMethod.POST, ONE + "/encrypt", "Secretkey_encrypt", "Encrypt", recent, this::encrypt),
                endpoint(HttpMethod.POST, ONE + "/decrypt", "Secretkey_decrypt", "Decrypt", recent, this::decrypt),
                endpoint(HttpMethod.POST, ONE + "/sign", "Secretkey_sign", "Sign", recent, this::sign),
                endpoint(HttpMethod.POST, ONE + "/verify", "Secretkey_verify", "Verify", recent, this::verify));
    }

    private String app(ApiRequest request) {
        String app = machines.app(request.parameter("app_name")).name();
        var _ = recent(request, app, keys.version(app));
        return app;
    }

    private static String name(ApiRequest request) {
        return request.parameter("secret_name");
    }

    private Response list(ApiRequest request) {
        Set<KeyType> types = request.query("types").stream()
                .flatMap(text -> Arrays.stream(text.split(",", 20)))
                .map(KeyType::parse)
                .collect(Collectors.toSet());
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("secret_keys");
        keys.list(app(request)).stream()
                .filter(k -> types.isEmpty() || types.contains(k.type()))
                .forEach(k -> list.add(view(k)));
        return Response.ok(body);
    }

    private Response show(ApiRequest request) {
        return Response.ok(view(keys.get(app(request), name(request))));
    }

    private Response bring(ApiRequest request) {
        String app = app(request);
        SecretRequestReader in = SecretRequestReader.of(request, List.of("type", "value"));
        JsonBytes value = in.bytes("value")
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "value is missing: the key's bytes",
                        "to generate a key, use …/generate"));
        SecretKeys.Made made = keys.bring(app, name(request), KeyType.parse(in.required("type")), value.bytes());
        return made(made);
    }

    private Response generate(ApiRequest request) {
        String app = app(request);
        SecretRequestReader in = SecretRequestReader.of(request, List.of("type", "value"));
        if (in.bytes("value").filter(v -> v.bytes().length > 0).isPresent()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "value is set, but this endpoint generates the key at random",
                    "omit value, or omit /generate from the path");
        }
        SecretKeys.Made made = keys.generate(app, name(request), KeyType.parse(in.required("type")));
        return made(made);
    }

    private static Response made(SecretKeys.Made made) {
        return new Response.Json(201, versioned(view(made.key()), made.version()));
    }

    private Response delete(ApiRequest request) {
        return Response.ok(versioned(MachineViews.JSON.objectNode(), keys.delete(app(request), name(request))));
    }

    private Response encrypt(ApiRequest request) {
        String app = app(request);
        SecretRequestReader in = SecretRequestReader.of(request, List.of("plaintext", "associated_data"));
        JsonBytes plain = sent(in, "plaintext");
        byte[] out = keys.encrypt(app, name(request), plain.bytes(), associated(in));
        return Response.ok(plain.form().put(MachineViews.JSON.objectNode(), "ciphertext", out));
    }

    private Response decrypt(ApiRequest request) {
        String app = app(request);
        SecretRequestReader in = SecretRequestReader.of(request, List.of("ciphertext", "associated_data"));
        JsonBytes sealed = sent(in, "ciphertext");
        byte[] plain = keys.decrypt(app, name(request), sealed.bytes(), associated(in))
                .orElseThrow(
                        () -> RejectedException.because(
                                RejectedException.Reason.INVALID,
                                "ciphertext does not decrypt with secret key %s of app %s"
                                        .formatted(name(request), app),
                                "it must be the output of this key with the same associated_data, and the key must not have been replaced since"));
        return Response.ok(sealed.form().put(MachineViews.JSON.objectNode(), "plaintext", plain));
    }

    private Response sign(ApiRequest request) {
        String app = app(request);
        JsonBytes text = sent(SecretRequestReader.of(request, List.of("plaintext")), "plaintext");
        byte[] signature = keys.sign(app, name(request), text.bytes());
        return Response.ok(text.form().put(MachineViews.JSON.objectNode(), "signature", signature));
    }

    private Response verify(ApiRequest request) {
        String app = app(request);
        SecretRequestReader in = SecretRequestReader.of(request, List.of("plaintext", "signature"));
        if (!keys.verify(
                app,
                name(request),
                sent(in, "plaintext").bytes(),
                sent(in, "signature").bytes())) {
            throw RejectedException.invalid("signature does not match this plaintext and secret key %s of app %s"
                    .formatted(name(request), app));
        }
        return new Response.Empty(204);
    }

    private static JsonBytes sent(SecretRequestReader in, String name) {
        return in.bytes(name)
                .orElseThrow(() ->
                        RejectedException.invalid(name + " is missing: bytes, in base64 or as a list of numbers"));
    }

    private static byte[] associated(SecretRequestReader in) {
        return in.bytes("associated_data").map(JsonBytes::bytes).orElse(NONE);
    }

    /**
     * The public half is always a list of numbers, as the interface declares, because Go clients can decode a list into
     * bytes as well as base64.
     */
    private static ObjectNode view(SecretKeys.View key) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("name", key.name())
                .put("type", key.type().wire())
                .put("created_at", key.created().toString())
                .put("updated_at", key.updated().toString());
        return key.open().length == 0 ? node : JsonBytes.Form.NUMBERS.put(node, "public_key", key.open());
    }
}
