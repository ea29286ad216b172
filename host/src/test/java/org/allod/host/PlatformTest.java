package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/** Apps, their addresses, certificates and secret keys, and what spans them, asked of a real daemon. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlatformTest {
    private static final String IPS = "/v1/apps/shop/ip_assignments";
    private static final String KEYS = "/v1/apps/shop/secretkeys";
    private static final String CERTIFICATES = "/v1/apps/shop/certificates";

    private DaemonProcess daemon;

    @BeforeAll
    void start() throws Exception {
        daemon = new DaemonProcess(
                        Scratch.folder("allod-platform").resolve("data"),
                        "--runtime",
                        "gvisor",
                        "--memory",
                        "4096",
                        "--region",
                        "here")
                .start();
        daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\"}");
    }

    @AfterAll
    void stop() throws Exception {
        daemon.close();
    }

    private JsonNode refused(int status, String method, String path, String body) throws IOException {
        HttpResponse<String> answer = daemon.call(method, path, body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        return DaemonProcess.JSON.readTree(answer.body());
    }

    @Test
    void trace_ofARequest_isThatOfTheRunsItStarts() throws Exception {
        String trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        daemon.ok("POST", "/v1/apps", "{\"name\":\"traced\"}");
        HttpResponse<String> made = daemon.call(
                "POST", "/v1/apps/traced/volumes", "{\"name\":\"data\",\"size_gb\":1}", "traceparent", trace);
        assertThat(made.statusCode()).as(made.body()).isEqualTo(200);
        String volume = DaemonProcess.JSON.readTree(made.body()).get("id").stringValue();
        JsonNode run = daemon.ok("GET", "/v1/host/runs?subject=" + volume, "")
                .get("runs")
                .get(0);
        assertThat(run.path("traceparent").asString("")).isEqualTo(trace);
        daemon.ok("DELETE", "/v1/apps/traced?force=true", "");
    }

    @Test
    void app_whoseNameIsTaken_isRefusedWithThatCode() throws Exception {
        JsonNode error = refused(422, "POST", "/v1/apps", "{\"name\":\"shop\"}");
        assertThat(error.get("status").stringValue()).isEqualTo("name_taken");
        JsonNode shop = daemon.ok("GET", "/v1/apps/shop", "");
        assertThat(shop.get("machine_count").intValue()).isZero();
        assertThat(shop.get("volume_count").intValue()).isZero();
        assertThat(shop.get("organization").get("slug").stringValue()).isEqualTo("personal");
        assertThat(daemon.ok("GET", "/v1/apps?org_slug=personal", "")
                        .get("total_apps")
                        .intValue())
                .isEqualTo(1);
        refused(404, "GET", "/v1/apps?org_slug=other", "");
    }

    @Test
    void addresses_areThoseTheEdgeServes_andOthersAreRefusedWithTheReason() throws Exception {
        JsonNode given = daemon.ok("POST", IPS, "{\"type\":\"shared_v4\"}");
        assertThat(given.get("ip").stringValue()).isEqualTo("127.0.0.1");
        assertThat(given.get("shared").booleanValue()).isTrue();
        daemon.ok("POST", IPS, "{\"type\":\"shared_v4\",\"region\":\"here\"}");
        assertThat(daemon.ok("GET", IPS, "").get("ips").size()).isEqualTo(1);
        assertThat(refused(422, "POST", IPS, "{\"type\":\"v6\"}").get("error").stringValue())
                .contains("no address is one app's alone");
        assertThat(refused(422, "POST", IPS, "{\"type\":\"shared_v6\"}")
                        .get("error")
                        .stringValue())
                .contains("serves no IPv6 address: it serves 127.0.0.1");
        refused(422, "POST", IPS, "{\"type\":\"private_v6\"}");
        refused(422, "POST", IPS, "{\"region\":\"there\"}");
        refused(400, "POST", IPS, "{\"type\":\"v5\"}");
        refused(400, "POST", IPS, "{\"kind\":\"v4\"}");
        assertThat(daemon.call("DELETE", IPS + "/127.0.0.1", "").statusCode()).isEqualTo(204);
        refused(404, "DELETE", IPS + "/127.0.0.1", "");
        refused(400, "DELETE", IPS + "/localhost", "");
    }

    @Test
    void secretKeys_workInBothForms() throws Exception {
        JsonNode made = daemon.ok("POST", KEYS + "/box/generate", "{\"type\":\"encrypting\"}");
        assertThat(made.get("type").stringValue()).isEqualTo("xaes256gcm");
        assertThat(made.get("Version").longValue())
                .isEqualTo(made.get("version").longValue());
        String box = KEYS + "/box";
        String sealed = daemon.ok("POST", box + "/encrypt", "{\"plaintext\":\"aGVsbG8=\",\"associated_data\":\"YQ==\"}")
                .get("ciphertext")
                .stringValue();
        assertThat(daemon.ok(
                                "POST",
                                box + "/decrypt",
                                "{\"ciphertext\":\"" + sealed + "\",\"associated_data\":\"YQ==\"}")
                        .get("plaintext")
                        .stringValue())
                .isEqualTo("aGVsbG8=");
        assertThat(refused(400, "POST", box + "/decrypt", "{\"ciphertext\":\"" + sealed + "\"}")
                        .get("error")
                        .stringValue())
                .contains("does not decrypt with secret key box");
        daemon.ok(
                "POST",
                KEYS + "/mac",
                "{\"type\":\"hs256\",\"value\":" + "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,200]}");
        JsonNode signed = daemon.ok("POST", KEYS + "/mac/sign", "{\"plaintext\":[104,105]}");
        assertThat(signed.get("signature").size()).isEqualTo(32);
        String verify = "{\"plaintext\":\"aGk=\",\"signature\":" + signed.get("signature") + "}";
        assertThat(daemon.call("POST", KEYS + "/mac/verify", verify).statusCode())
                .isEqualTo(204);
        refused(400, "POST", KEYS + "/mac/verify", verify.replace("aGk=", "aGo="));
        refused(400, "POST", KEYS + "/mac/sign", "{\"plaintext\":[256]}");
        refused(400, "POST", KEYS + "/mac/encrypt", "{\"plaintext\":\"\"}");
        refused(400, "POST", KEYS + "/x", "{\"type\":\"rot13\",\"value\":\"\"}");
        JsonNode pair = daemon.ok("POST", KEYS + "/pair/generate", "{\"type\":\"nacl_box\"}");
        assertThat(pair.get("public_key").size()).isEqualTo(32);
        assertThat(daemon.ok("GET", KEYS + "/pair", "").get("public_key")).isEqualTo(pair.get("public_key"));
        JsonNode toPair = daemon.ok("POST", KEYS + "/pair/encrypt", "{\"plaintext\":[104,105]}");
        assertThat(daemon.ok("POST", KEYS + "/pair/decrypt", toPair.toString()).toString())
                .isEqualTo("{\"plaintext\":[104,105]}");
        refused(400, "POST", KEYS + "/pair/encrypt", "{\"plaintext\":\"\",\"associated_data\":\"YQ==\"}");
        assertThat(daemon.ok("GET", KEYS + "?types=hs256", "")
                        .get("secret_keys")
                        .size())
                .isEqualTo(1);
        daemon.ok("DELETE", box, "");
        refused(404, "GET", box, "");
    }

    @Test
    void certificates_withoutAGoodOne_sayWhy() throws Exception {
        assertThat(refused(422, "POST", CERTIFICATES + "/acme", "{\"hostname\":\"shop.example.com\"}")
                        .get("error")
                        .stringValue())
                .contains("ACME comes with the edge");
        String body = "{\"hostname\":\"shop.example.com\",\"fullchain\":\"planted\",\"private_key\":\"planted\"}";
        JsonNode error = refused(422, "POST", CERTIFICATES + "/custom", body);
        assertThat(error.toString()).contains("fullchain").doesNotContain("planted");
        refused(400, "POST", CERTIFICATES + "/custom", "{\"hostname\":\"shop.example.com\"}");
        assertThat(daemon.ok("GET", CERTIFICATES, "").get("total_count").intValue())
                .isZero();
        refused(404, "GET", CERTIFICATES + "/shop.example.com", "");
        refused(404, "POST", CERTIFICATES + "/shop.example.com/check", "");
        refused(404, "DELETE", CERTIFICATES + "/shop.example.com/custom", "");
    }

    @Test
    void placements_countTheRoomThereIs_andMakeNothing() throws Exception {
        JsonNode room = daemon.ok(
                "POST",
                "/v1/platform/placements",
                "{\"org_slug\":\"personal\",\"count\":3,\"compute\":{\"memory_mb\":1024,\"cpus\":1}}");
        assertThat(room.toString()).isEqualTo("{\"regions\":[{\"region\":\"here\",\"count\":3,\"concurrency\":4}]}");
        assertThat(daemon.ok(
                                "POST",
                                "/v1/platform/placements",
                                "{\"org_slug\":\"personal\",\"region\":\"there\",\"count\":1}")
                        .toString())
                .isEqualTo("{\"regions\":[]}");
        refused(400, "POST", "/v1/platform/placements", "{}");
        assertThat(daemon.ok("GET", "/v1/platform/regions", "").get("nearest").stringValue())
                .isEqualTo("here");
    }

    @Test
    void orgLists_arePagedAndBounded() throws Exception {
        JsonNode machines = daemon.ok("GET", "/v1/orgs/personal/machines?limit=1000", "");
        assertThat(machines.get("machines").size()).isZero();
        assertThat(machines.has("next_cursor")).isFalse();
        assertThat(daemon.ok("GET", "/v1/orgs/personal/volumes", "")
                        .get("volumes")
                        .size())
                .isZero();
        refused(400, "GET", "/v1/orgs/personal/machines?limit=1001", "");
        refused(400, "GET", "/v1/orgs/personal/machines?cursor=xyz", "");
        refused(400, "GET", "/v1/orgs/personal/machines?updated_after=yesterday", "");
        refused(404, "GET", "/v1/orgs/other/machines", "");
    }
}
