package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** What each token may do, asked of a real daemon at every endpoint that it describes. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TokensTest {
    private final HttpClient http = HttpClient.newHttpClient();
    private DaemonProcess daemon;

    @BeforeAll
    void start() throws Exception {
        daemon = new DaemonProcess(Scratch.folder("allod-tokens").resolve("data"), "--runtime", "gvisor").start();
        daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\"}");
        daemon.ok("POST", "/v1/apps", "{\"name\":\"bank\"}");
    }

    @AfterAll
    void stop() throws Exception {
        daemon.close();
    }

    private JsonNode make(String app, String body) throws IOException {
        return daemon.ok("POST", "/v1/apps/" + app + "/deploy_token", body);
    }

    private HttpResponse<String> as(String token, String method, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + daemon.api + path))
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void appToken_atEveryEndpoint_mayUseItsAppAlone() throws Exception {
        String token = make("shop", "{\"expiry\":\"1h\"}").get("token").stringValue();
        List<String> shared = List.of(
                "/v1/openapi.json",
                "/v1/tokens/current",
                "/v1/tokens/authenticate",
                "/v1/tokens/authorize",
                "/v1/tokens/kms",
                "/v1/tokens/oidc",
                "/v1/oidc/.well-known/openid-configuration",
                "/v1/oidc/.well-known/jwks.json",
                "/v1/platform/regions");
        JsonNode paths = daemon.ok("GET", "/v1/openapi.json", "").get("paths");
        int asked = 0;
        for (var path : paths.properties()) {
            for (String method : path.getValue().propertyNames()) {
                String bank = path.getKey().replace("{app_name}", "bank").replaceAll("\\{[a-z_]+}", "x");
                HttpResponse<String> answer = as(token, method.toUpperCase(java.util.Locale.ROOT), bank, "{}");
                if (shared.contains(path.getKey())) {
                    assertThat(answer.statusCode()).as(method + " " + bank).isNotEqualTo(403);
                } else {
                    assertThat(answer.statusCode())
                            .as(method + " " + bank + ": " + answer.body())
                            .isEqualTo(403);
                    assertThat(answer.body()).contains("it may do everything in app shop except delete it");
                }
                asked++;
            }
        }
        assertThat(asked).isGreaterThan(40);
        assertThat(as(token, "GET", "/v1/apps/shop", "").statusCode()).isEqualTo(200);
        assertThat(as(token, "POST", "/v1/apps/shop/secrets/A", "{\"value\":\"x\"}")
                        .statusCode())
                .isEqualTo(201);
        assertThat(as(token, "DELETE", "/v1/apps/shop", "").statusCode()).isEqualTo(403);
        assertThat(as(token, "POST", "/v1/apps/shop/deploy_token", "{}").statusCode())
                .isEqualTo(403);
    }

    /** The tests of the command alone speak to something that plays the daemon: it may play only what there is. */
    @Test
    void endpoints_thatTheCommandsTestsPlay_existWithTheirParameters() throws Exception {
        JsonNode paths = daemon.ok("GET", "/v1/openapi.json", "").get("paths");
        List<String> played =
                Files.readAllLines(Path.of(System.getProperty("allod.clone"), "cli/src/test/resources/endpoints.txt"));
        assertThat(played).hasSizeGreaterThan(20);
        for (String line : played) {
            String[] words = line.split(" ", -1);
            JsonNode operation = paths.path(words[1]).path(words[0].toLowerCase(java.util.Locale.ROOT));
            assertThat(operation.isObject()).as(line).isTrue();
            List<String> parameters = operation.get("parameters").findValuesAsString("name");
            assertThat(parameters).as(line).containsAll(List.of(words).subList(2, words.length));
        }
    }

    @Test
    void nobody_atEveryEndpoint_isAskedForAToken_butForWhatChecksIdentities() throws Exception {
        JsonNode paths = daemon.ok("GET", "/v1/openapi.json", "").get("paths");
        for (var path : paths.properties()) {
            for (String method : path.getValue().propertyNames()) {
                String some = path.getKey().replaceAll("\\{[a-z_]+}", "shop");
                int status = as("", method.toUpperCase(java.util.Locale.ROOT), some, "")
                        .statusCode();
                assertThat(status)
                        .as(method + " " + some)
                        .isEqualTo(path.getKey().startsWith("/v1/oidc/") ? 200 : 401);
            }
        }
        assertThat(as("", "GET", "/v1/nothing", "").statusCode()).isEqualTo(401);
        assertThat(as("allod_app_" + "A".repeat(43), "GET", "/v1/apps", "").statusCode())
                .isEqualTo(401);
    }

    @Test
    void token_listedAndRevoked_isRefusedFromThenOn() throws Exception {
        JsonNode made = make("shop", "{\"name\":\"ci\"}");
        assertThat(made.get("note").stringValue()).isEqualTo("no expiry was asked for: it lives a year");
        assertThat(make("shop", "{\"expiry\":\"1h\"}").has("note")).isFalse();
        String token = made.get("token").stringValue();
        String id = made.get("id").stringValue();
        JsonNode list = daemon.ok("GET", "/v1/tokens?app_name=shop", "");
        assertThat(list.toString()).contains(id).doesNotContain(token);
        assertThat(as("x,FlyV1 y," + token, "GET", "/v1/apps/shop", "").statusCode())
                .isEqualTo(200);
        daemon.ok("DELETE", "/v1/tokens/" + id, "");
        assertThat(as(token, "GET", "/v1/apps/shop", "").statusCode()).isEqualTo(401);
        assertThat(daemon.call("DELETE", "/v1/tokens/" + id, "").statusCode()).isEqualTo(404);
        assertThat(daemon.call("POST", "/v1/apps/shop/deploy_token", "{\"expiry\":\"soon\"}")
                        .statusCode())
                .isEqualTo(400);
        assertThat(TrustTest.holding(daemon, token)).isEmpty();
    }

    @Test
    void token_ofADeletedApp_isWorthlessInItsSuccessor() throws Exception {
        daemon.ok("POST", "/v1/apps", "{\"name\":\"brief\"}");
        String token = make("brief", "{}").get("token").stringValue();
        daemon.ok("DELETE", "/v1/apps/brief", "");
        daemon.ok("POST", "/v1/apps", "{\"name\":\"brief\"}");
        assertThat(as(token, "GET", "/v1/apps/brief", "").statusCode()).isEqualTo(401);
    }

    @Test
    void currentAuthenticateAndAuthorize_sayWhatATokenIsAndMay() throws Exception {
        String token = make("shop", "{}").get("token").stringValue();
        assertThat(as(token, "GET", "/v1/tokens/current", "").body()).contains("\"apps\":[\"shop\"]");
        assertThat(daemon.ok("GET", "/v1/tokens/current", "").toString()).contains("\"token_id\":\"operator\"");
        String header = "\"header\":\"Bearer " + token + "\"";
        JsonNode verified = daemon.ok("POST", "/v1/tokens/authenticate", "{" + header + "}");
        assertThat(verified.toString()).contains("ValidityWindow", "\"shop\":31");
        String may = "/v1/tokens/authorize";
        assertThat(daemon.ok("POST", may, "{" + header + ",\"access\":{\"app_name\":\"shop\",\"action\":\"rw\"}}")
                        .get("access")
                        .get("action")
                        .intValue())
                .isEqualTo(3);
        assertThat(daemon.call("POST", may, "{" + header + ",\"access\":{\"app_name\":\"bank\",\"action\":\"r\"}}")
                        .statusCode())
                .isEqualTo(403);
        assertThat(daemon.call("POST", may, "{" + header + ",\"access\":{\"app_name\":\"shop\",\"action\":\"x\"}}")
                        .statusCode())
                .isEqualTo(400);
        HttpResponse<String> bad =
                daemon.call("POST", "/v1/tokens/authenticate", "{\"header\":\"Bearer planted-token\"}");
        assertThat(bad.statusCode()).isEqualTo(400);
        assertThat(bad.body()).doesNotContain("planted-token");
    }

    @Test
    void keyToken_mayUseSecretKeysAlone() throws Exception {
        String app = make("shop", "{}").get("token").stringValue();
        String token = as(app, "POST", "/v1/tokens/kms", "").body();
        assertThat(token).startsWith("allod_kms_");
        HttpResponse<String> answer = as(token, "GET", "/v1/apps/shop/secrets", "");
        assertThat(answer.statusCode()).isEqualTo(403);
        assertThat(answer.body()).contains("it may use the secret keys of app shop");
        assertThat(as(app, "POST", "/v1/tokens/kms?app_name=bank", "").statusCode())
                .isEqualTo(403);
        assertThat(daemon.call("POST", "/v1/tokens/kms", "").statusCode()).isEqualTo(400);
    }

    @Test
    void identity_ofNoMachineOfTheApp_isRefused() throws Exception {
        String app = make("shop", "{}").get("token").stringValue();
        assertThat(as(app, "POST", "/v1/tokens/oidc", "{\"machine_id\":\"00000000000000\"}")
                        .statusCode())
                .isEqualTo(404);
        assertThat(as(app, "POST", "/v1/tokens/oidc", "").statusCode()).isEqualTo(400);
        JsonNode configuration = DaemonProcess.JSON.readTree(
                as("", "GET", "/v1/oidc/.well-known/openid-configuration", "").body());
        assertThat(configuration.get("jwks_uri").stringValue())
                .startsWith(configuration.get("issuer").stringValue());
        JsonNode keys = DaemonProcess.JSON.readTree(
                as("", "GET", "/v1/oidc/.well-known/jwks.json", "").body());
        assertThat(Base64.getUrlDecoder()
                        .decode(keys.get("keys").get(0).get("n").stringValue()))
                .hasSize(256);
    }
}
