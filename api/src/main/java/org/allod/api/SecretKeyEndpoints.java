package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;
import static org.allod.api.SecretEndpoints.recent;
import static org.allod.api.SecretEndpoints.versioned;

import io.netty.handler.codec.http.HttpMethod;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.allod.base.Rejected;
import org.allod.machine.Machines;
import org.allod.trust.KeyType;
import org.allod.trust.SecretKeys;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Keys that work for an app and that nobody is shown. Bytes are answered in the form they were sent in. */
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

    private String app(Call call) {
        String app = machines.app(call.parameter("app_name")).name();
        var _ = recent(call, app, keys.version(app));
        return app;
    }

    private static String name(Call call) {
        return call.parameter("secret_name");
    }

    private Answer list(Call call) {
        Set<KeyType> types = call.query("types").stream()
                .flatMap(text -> Arrays.stream(text.split(",", 20)))
                .map(KeyType::parse)
                .collect(Collectors.toSet());
        ObjectNode body = Views.JSON.objectNode();
        ArrayNode list = body.putArray("secret_keys");
        keys.list(app(call)).stream()
                .filter(k -> types.isEmpty() || types.contains(k.type()))
                .forEach(k -> list.add(view(k)));
        return Answer.ok(body);
    }

    private Answer show(Call call) {
        return Answer.ok(view(keys.get(app(call), name(call))));
    }

    private Answer bring(Call call) {
        String app = app(call);
        SecretBody in = SecretBody.of(call, List.of("type", "value"));
        SentBytes value = in.bytes("value")
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.INVALID,
                        "value is missing: the key's bytes",
                        "to have one made, use …/generate"));
        SecretKeys.Made made = keys.bring(app, name(call), KeyType.parse(in.required("type")), value.bytes());
        return made(made);
    }

    private Answer generate(Call call) {
        String app = app(call);
        SecretBody in = SecretBody.of(call, List.of("type", "value"));
        if (in.bytes("value").filter(v -> v.bytes().length > 0).isPresent()) {
            throw Rejected.because(
                    Rejected.Reason.INVALID,
                    "value is there, but the key is to be made at random",
                    "leave value out, or leave /generate out of the path");
        }
        SecretKeys.Made made = keys.generate(app, name(call), KeyType.parse(in.required("type")));
        return made(made);
    }

    private static Answer made(SecretKeys.Made made) {
        return new Answer.Json(201, versioned(view(made.key()), made.version()));
    }

    private Answer delete(Call call) {
        return Answer.ok(versioned(Views.JSON.objectNode(), keys.delete(app(call), name(call))));
    }

    private Answer encrypt(Call call) {
        String app = app(call);
        SecretBody in = SecretBody.of(call, List.of("plaintext", "associated_data"));
        SentBytes plain = sent(in, "plaintext");
        byte[] out = keys.encrypt(app, name(call), plain.bytes(), associated(in));
        return Answer.ok(plain.form().put(Views.JSON.objectNode(), "ciphertext", out));
    }

    private Answer decrypt(Call call) {
        String app = app(call);
        SecretBody in = SecretBody.of(call, List.of("ciphertext", "associated_data"));
        SentBytes sealed = sent(in, "ciphertext");
        byte[] plain = keys.decrypt(app, name(call), sealed.bytes(), associated(in))
                .orElseThrow(
                        () -> Rejected.because(
                                Rejected.Reason.INVALID,
                                "ciphertext does not decrypt with secret key %s of app %s".formatted(name(call), app),
                                "it must be what this key made, with the same associated_data, and the key not replaced since"));
        return Answer.ok(sealed.form().put(Views.JSON.objectNode(), "plaintext", plain));
    }

    private Answer sign(Call call) {
        String app = app(call);
        SentBytes text = sent(SecretBody.of(call, List.of("plaintext")), "plaintext");
        byte[] signature = keys.sign(app, name(call), text.bytes());
        return Answer.ok(text.form().put(Views.JSON.objectNode(), "signature", signature));
    }

    private Answer verify(Call call) {
        String app = app(call);
        SecretBody in = SecretBody.of(call, List.of("plaintext", "signature"));
        if (!keys.verify(
                app,
                name(call),
                sent(in, "plaintext").bytes(),
                sent(in, "signature").bytes())) {
            throw Rejected.invalid(
                    "signature was not made of this plaintext by secret key %s of app %s".formatted(name(call), app));
        }
        return new Answer.Empty(204);
    }

    private static SentBytes sent(SecretBody in, String name) {
        return in.bytes(name)
                .orElseThrow(() -> Rejected.invalid(name + " is missing: bytes, in base64 or as a list of numbers"));
    }

    private static byte[] associated(SecretBody in) {
        return in.bytes("associated_data").map(SentBytes::bytes).orElse(NONE);
    }

    /**
     * The public half is a list of numbers, as the description has it, however the key was sent: clients in Go read a
     * list into bytes as well as base64.
     */
    private static ObjectNode view(SecretKeys.View key) {
        ObjectNode node = Views.JSON
                .objectNode()
                .put("name", key.name())
                .put("type", key.type().wire())
                .put("created_at", key.created().toString())
                .put("updated_at", key.updated().toString());
        return key.open().length == 0 ? node : SentBytes.Form.NUMBERS.put(node, "public_key", key.open());
    }
}
