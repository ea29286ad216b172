package org.allod.host;

import java.io.IOException;
import java.util.HexFormat;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;

/** The calls of {@link ConformanceTest} to secrets, keys, certificates and tokens. */
record TrustCalls(Conformance api) {
    private static final String CERTIFICATES = "/apps/{app_name}/certificates";

    void secrets() throws IOException {
        String all = " /apps/{app_name}/secrets";
        api.visit("POST" + all, "{\"values\":{\"A\":\"one\",\"B\":\"two\"}}", 200);
        api.visit("POST" + all, "{\"values\":7}", 400);
        api.visit("GET" + all + "?show_secrets=true", "", 200);
        api.let("secret_name", "C");
        api.visit("POST" + all + "/{secret_name}", "{\"value\":\"three\"}", 201);
        api.visit("POST" + all + "/{secret_name}", "{\"value\":3}", 400);
        api.visit("GET" + all + "/{secret_name}?show_secrets=true", "", 200);
        api.visit("DELETE" + all + "/{secret_name}", "", 200);
    }

    void secretKeys() throws IOException {
        String all = " /apps/{app_name}/secretkeys";
        String one = all + "/{secret_name}";
        api.let("secret_name", "box");
        api.visit("POST" + one + "/generate", "{\"type\":\"xaes256gcm\"}", 201);
        api.visit("POST" + one + "/generate", "{\"type\":\"nothing\"}", 400);
        JsonNode sealed = api.visit("POST" + one + "/encrypt", "{\"plaintext\":[104,105]}", 200);
        api.visit("POST" + one + "/encrypt", "{\"plaintext\":\"%%\"}", 400);
        api.let("ciphertext", sealed.path("ciphertext").toString());
        api.visit("POST" + one + "/decrypt", "{\"ciphertext\":{ciphertext}}", 200);
        api.visit("POST" + one + "/decrypt", "{\"ciphertext\":[1,2,3]}", 400);
        api.visit("GET" + one, "", 200);
        api.visit("GET" + all, "", 200);
        api.visit("DELETE" + one, "", 200);
        // A pair, whose public half is shown however the key came to be.
        api.let("secret_name", "pair");
        api.visit("POST" + one + "/generate", "{\"type\":\"nacl_sign\"}", 201);
        api.visit("GET" + one, "", 200);
        api.visit("GET" + all + "?types=nacl_sign", "", 200);
        api.let("key", keyPair());
        api.visit("POST" + one, "{\"type\":\"nacl_sign\",\"value\":{key}}", 201);
        api.let("secret_name", "sig");
        api.let("key", "[" + "7,".repeat(31) + "7]");
        api.visit("POST" + one, "{\"type\":\"hs256\",\"value\":{key}}", 201);
        api.visit("POST" + one, "{\"type\":\"hs256\",\"value\":[1]}", 400);
        JsonNode signed = api.visit("POST" + one + "/sign", "{\"plaintext\":[104,105]}", 200);
        api.visit("POST" + one + "/sign", "{\"plaintext\":{}}", 400);
        api.let("signature", signed.path("signature").toString());
        api.visit("POST" + one + "/verify", "{\"plaintext\":[104,105],\"signature\":{signature}}", 204);
        api.visit("POST" + one + "/verify", "{\"plaintext\":[104,106],\"signature\":{signature}}", 400);
    }

    /** An Ed25519 key as NaCl writes one, with the vector of RFC 8032, test 2. */
    private static String keyPair() {
        byte[] pair = HexFormat.of()
                .parseHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
                        + "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        return IntStream.range(0, pair.length)
                .mapToObj(i -> Integer.toString(pair[i] & 0xff))
                .collect(Collectors.joining(",", "[", "]"));
    }

    void certificates() throws Exception {
        String all = " " + CERTIFICATES;
        String one = all + "/{hostname}";
        api.let("hostname", "a.conform.localhost");
        api.let("brought", TestCertificate.of("a.conform.localhost").body());
        api.visit("POST" + all + "/custom", "{brought}", 201);
        api.visit(
                "POST" + all + "/custom",
                TestCertificate.of("b.conform.localhost").body(),
                201);
        api.visit(
                "POST" + all + "/custom",
                "{\"hostname\":\"c.conform.localhost\",\"fullchain\":\"none\",\"private_key\":\"none\"}",
                422);
        api.visit("POST" + all + "/acme", "{\"hostname\":\"{hostname}\"}", 422);
        api.visit("GET" + all, "", 200);
        api.visit("GET" + all + "?limit=1", "", 200);
        api.visit("GET" + one, "", 200);
        api.visit("POST" + one + "/check", "", 200);
        api.visit("DELETE" + one + "/acme", "", 200);
        JsonNode gone = api.visit("DELETE" + one + "/custom", "", 200);
        api.same("what was deleted", gone.path("hostname"), api.value("hostname"));
        api.visit("GET" + one, "", 404);
        api.visit("POST" + all + "/custom", "{brought}", 201);
        api.visit("DELETE" + one, "", 204);
    }

    void tokens() throws IOException {
        api.visit("GET /tokens/current", "", 200);
        api.visit("GET /tokens/current", "", 200, "Authorization", "FlyV1 " + api.value("token"));
        api.visit("GET /tokens/current", "", 401, "Authorization", "Bearer nonsense");
        String good = "{\"header\":\"FlyV1 {token}\"%s}";
        String bad = "{\"header\":\"FlyV1 nonsense\"%s}";
        String access = ",\"access\":{\"app_name\":\"{app_name}\",\"machine_id\":\"{machine_id}\",\"action\":\"rw\"}";
        JsonNode verified = api.visit("POST /tokens/authenticate", good.formatted(""), 200);
        api.same("the header", verified.path(0).path("header"), "FlyV1 " + api.value("token"));
        api.visit("POST /tokens/authenticate", bad.formatted(""), 400);
        JsonNode may = api.visit("POST /tokens/authorize", good.formatted(access), 200);
        api.same("the machine", may.path("access").path("machine"), api.value("machine_id"));
        api.visit("POST /tokens/authorize", bad.formatted(access), 400);
        JsonNode keys = api.visit("POST /tokens/kms?app_name={app_name}", "", 200);
        api.visit("GET /apps/{app_name}/secretkeys", "", 200, "Authorization", "Bearer " + keys.asString("none"));
        JsonNode proof = api.visit("POST /tokens/oidc", "{\"machine_id\":\"{machine_id}\",\"aud\":\"them\"}", 200);
        api.same(
                "parts of a proof",
                DaemonProcess.JSON
                        .getNodeFactory()
                        .numberNode(proof.asString("").split("\\.").length),
                "3");
        api.visit("POST /tokens/oidc", "{\"machine_id\":\"nothing\",\"aud\":7}", 400);
    }
}
