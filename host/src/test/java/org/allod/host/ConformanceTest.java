package org.allod.host;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Every operation of the Machines API, on a real daemon with real guests: each documented status that can be provoked,
 * each answer against its schema. Prints the coverage by operation.
 */
class ConformanceTest {
    private static final String MACHINE = "/apps/{app_name}/machines/{machine_id}";

    /** What is answered with a reason and no more. An operation leaves this list when it is served. */
    private static final Map<String, String> REFUSED = Map.of(
            "POST /apps/{app_name}/certificates/acme",
            "certificates are brought, until the edge asks an authority for them");

    /** Documented statuses of what is served that cannot be provoked. */
    private static final Set<String> OUT_OF_REACH = Set.of(
            // Only where this host's disk fails: no request makes our answer a 5xx (RequestFuzzTest).
            "GET /tokens/current 500", "POST /tokens/authorize 500");

    /** Fields that the description names and that no answer here has, with the reason. */
    private static final Map<String, String> LEFT_OUT = Map.ofEntries(
            entry(".incomplete_config", "of hosts out of reach; there is one host, and it answers"),
            entry(".nonce", "only where a lease was asked for"),
            entry(".image_ref", "an update answers when the version is new; its image is known a moment later"),
            entry(".last_machine_id", "of lists in pages by time; the cursor says where the next page begins"),
            entry(".last_updated_at", "of lists in pages by time"),
            entry(".value", "a secret that is set is not answered"),
            entry(".restricted_to_machine", "of tokens for one machine; tokens here are for one app, or everything"),
            entry(".source_machine_id", "of tokens made by a machine"),
            entry(".rate_limited_until", "of what is asked of an authority"),
            entry(".acme_challenge", "of what is asked of an authority"),
            entry(".acme_challenge_cname", "of what is asked of an authority"),
            entry(".ownership", "who brings a certificate need not prove that the name is theirs"),
            entry(".ownership_txt", "who brings a certificate need not prove that the name is theirs"),
            entry(".dns_records.cname", "the resolver of the host tells addresses, not the names on the way to them"),
            entry(".soa", "the resolver of the host tells addresses, not whose the zone is"));

    private Conformance api;

    @Test
    void everyOperation_answersAsDescribed() throws Exception {
        try (DaemonProcess daemon =
                new DaemonProcess(Scratch.folder("allod-conformance").resolve("data"), "--runtime", "gvisor").start()) {
            TestImage.build(daemon);
            api = new Conformance(daemon, MachinesApi.find(), REFUSED);
            TrustCalls trust = new TrustCalls(api);
            api.let("org_slug", "personal");
            api.let("app_name", "conform");
            apps();
            trust.secrets();
            trust.secretKeys();
            volumes();
            machines();
            leases();
            metadata();
            verbs();
            history();
            memory();
            updates();
            addresses();
            trust.certificates();
            platform();
            trust.tokens();
            ends();
            System.out.print(api.report());
        }
        assertThat(api.faults).isEmpty();
        assertThat(api.unserved())
                .as("neither served as described nor refused by decision")
                .isEmpty();
        assertThat(api.wronglyRefused()).as("in the table of what is refused").isEmpty();
        Set<String> unreached = api.unreached();
        unreached.removeIf(status ->
                OUT_OF_REACH.contains(status) || REFUSED.keySet().stream().anyMatch(status::startsWith));
        assertThat(unreached).as("documented statuses that were not reached").isEmpty();
        Map<String, Set<String>> lacking = new TreeMap<>();
        api.missing()
                .forEach((operation, fields) -> fields.stream()
                        .filter(field -> LEFT_OUT.keySet().stream().noneMatch(field::endsWith))
                        .forEach(field -> lacking.computeIfAbsent(operation, o -> new TreeSet<>())
                                .add(field)));
        assertThat(lacking).as("described fields that no answer had").isEmpty();
    }

    private void apps() throws IOException {
        api.visit("POST /apps", "{\"name\":\"conform\",\"org_slug\":\"personal\"}", 201);
        api.visit("POST /apps", "{\"name\":\"Not A Name\",\"org_slug\":\"personal\"}", 400);
        api.visit("GET /apps?org_slug=personal", "", 200);
        api.visit("GET /apps/{app_name}", "", 200);
        JsonNode token = api.visit("POST /apps/{app_name}/deploy_token", "{\"expiry\":\"1h\"}", 200);
        api.let("token", token.path("token").asString("none"));
    }

    private void volumes() throws IOException {
        String all = " /apps/{app_name}/volumes";
        String one = all + "/{volume_id}";
        JsonNode made = api.visit("POST" + all, "{\"name\":\"data\",\"size_gb\":1,\"region\":\"local\"}", 200);
        api.let("volume_id", made.path("id").asString("none"));
        api.visit("GET" + all, "", 200);
        api.visit("GET" + one, "", 200);
        api.visit("PUT" + one, "{\"snapshot_retention\":7}", 200);
        api.visit("PUT" + one, "{\"snapshot_retention\":\"long\"}", 400);
        api.visit("PUT" + one + "/extend", "{\"size_gb\":2}", 200);
        api.visit("POST" + one + "/snapshots", "", 200);
        api.visit("GET" + one + "/snapshots", "", 200);
        JsonNode more = api.visit("POST" + all, "{\"name\":\"more\",\"size_gb\":1}", 200);
        api.visit("GET /orgs/{org_slug}/volumes", "", 200);
        api.visit("GET /orgs/{org_slug}/volumes?limit=1", "", 200);
        api.visit("DELETE" + one, "", 200);
        api.let("volume_id", more.path("id").asString("none"));
        api.visit("DELETE" + one, "", 200);
    }

    private void machines() throws IOException {
        String all = " /apps/{app_name}/machines";
        JsonNode made = api.visit("POST" + all, """
                {"name":"one","region":"local","lease_ttl":60,"config":{"image":"web","guest":{"memory_mb":128},
                 "services":[{"internal_port":8080,"protocol":"tcp",
                   "ports":[{"port":80,"handlers":["http"]}],
                   "checks":[{"type":"tcp","interval":"1s","timeout":"1s"}]}],
                 "metadata":{"role":"web"}}}
                """, 200);
        api.let("machine_id", made.get("id").stringValue());
        api.let("version", made.get("instance_id").stringValue());
        api.let("nonce", made.get("nonce").stringValue());
        api.visit("GET " + MACHINE + "/wait?state=started&timeout=60", "", 200);
        api.visit("GET" + all + "?include_deleted=true&region=local&state=started&metadata.role=web", "", 200);
        api.visit("GET" + all + "?summary=true", "", 200);
        api.visit("GET " + MACHINE, "", 200);
        api.visit("GET /orgs/{org_slug}/machines?limit=10", "", 200);
        JsonNode two = api.visit("POST" + all, "{\"config\":{\"image\":\"web\"},\"skip_launch\":true}", 200);
        api.visit("GET /orgs/{org_slug}/machines?limit=1", "", 200);
        api.let("machine_id", two.path("id").asString("none"));
        api.visit("DELETE " + MACHINE, "", 200);
        api.visit("GET " + MACHINE + "/wait?state=destroyed&timeout=60", "", 200);
        api.let("machine_id", made.get("id").stringValue());
    }

    private void leases() throws IOException {
        String lease = " " + MACHINE + "/lease";
        String nonce = "fly-machine-lease-nonce";
        api.visit("GET" + lease, "", 200);
        api.visit("POST" + lease, "{\"ttl\":30,\"description\":\"again\"}", 409);
        JsonNode again = api.visit("POST" + lease + "?ttl=30", "", 201, nonce, api.value("nonce"));
        api.same("the refreshed nonce", again.path("data").path("nonce"), api.value("nonce"));
        api.visit("POST " + MACHINE + "/cordon", "", 409);
        api.visit("DELETE" + lease, "", 409, nonce, "0000");
        api.visit("DELETE" + lease, "", 200, nonce, api.value("nonce"));
        api.visit("GET" + lease, "", 404);
    }

    private void metadata() throws IOException {
        String all = " " + MACHINE + "/metadata";
        api.let("key", "zone");
        api.visit("PUT" + all, "{\"metadata\":{\"a\":\"1\",\"role\":\"\"},\"machine_version\":\"{version}\"}", 204);
        api.visit("PUT" + all, "{\"metadata\":{\"a\":1}}", 400);
        api.visit("PUT" + all, "{\"metadata\":{},\"machine_version\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"}", 412);
        api.visit("PATCH" + all, "{\"metadata\":{\"a\":\"2\",\"b\":null}}", 204);
        api.visit("PATCH" + all, "{\"metadata\":\"no\"}", 400);
        api.visit("PATCH" + all, "{\"metadata\":{},\"machine_version\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\"}", 412);
        api.visit("GET" + all + "/{key}", "", 404);
        api.visit("POST" + all + "/{key}", "{\"value\":\"x\"}", 204);
        api.visit("POST" + all + "/{key}", "{\"value\":[]}", 400);
        api.visit("GET" + all + "/{key}", "", 200);
        JsonNode both = api.visit("GET" + all, "", 200);
        api.same("key a", both.path("a"), "2");
        api.same("key zone", both.path("zone"), "x");
        api.same("key role", both.path("role"), "");
        api.visit("DELETE" + all + "/{key}", "", 204);
    }

    private void verbs() throws IOException {
        api.visit("POST " + MACHINE + "/cordon", "", 200);
        api.visit("POST " + MACHINE + "/uncordon", "", 200);
        api.visit("POST " + MACHINE + "/exec", "{\"command\":[\"/bin/busybox\",\"true\"],\"timeout\":10}", 200);
        api.visit("POST " + MACHINE + "/exec", "{\"command\":[]}", 400);
        api.visit("GET " + MACHINE + "/ps?sort_by=rss&order=desc", "", 200);
        api.visit("GET " + MACHINE + "/ps?sort_by=smell", "", 400);
        api.visit("POST " + MACHINE + "/signal", "{\"signal\":\"SIGUSR9\"}", 400);
        JsonNode before = api.visit("GET " + MACHINE + "/events?limit=1", "", 200);
        api.let("event", before.get(0).get("id").stringValue());
        // As a number, as some clients send it. It ends the main process, which its policy restarts.
        api.visit("POST " + MACHINE + "/signal", "{\"signal\":15}", 200);
        api.visit("GET " + MACHINE + "/wait?state=started&from_event_id={event}&timeout=60", "", 200);
        api.visit("POST " + MACHINE + "/suspend", "", 200);
        api.visit("GET " + MACHINE + "/wait?state=suspended&timeout=60", "", 200);
        JsonNode started = api.visit("POST " + MACHINE + "/start", "", 200);
        api.same("previous_state", started.path("previous_state"), "suspended");
        api.visit("GET " + MACHINE + "/wait?state=started,failed&timeout=60", "", 200);
        api.visit("POST " + MACHINE + "/restart?timeout=1&signal=SIGKILL", "", 200);
        api.visit("POST " + MACHINE + "/restart?timeout=never", "", 400);
        api.visit("GET " + MACHINE + "/wait?state=started&timeout=60", "", 200);
        api.visit("POST " + MACHINE + "/stop", "{\"signal\":\"SIGKILL\",\"timeout\":\"1s\"}", 200);
        api.visit("POST " + MACHINE + "/stop", "{\"signal\":\"SIGNOTHING\"}", 400);
        api.visit("GET " + MACHINE + "/wait?state=stopped&timeout=60", "", 200);
    }

    private void history() throws IOException {
        JsonNode events = api.visit("GET " + MACHINE + "/events?limit=3", "", 200);
        api.let("event", events.path(0).path("id").asString(""));
        api.same("events beyond the limit", events.path(3).path("id"), "");
        api.visit("GET " + MACHINE + "/versions", "", 200);
        api.visit("GET " + MACHINE + "/wait?state=started&timeout=1", "", 408);
        api.visit("GET " + MACHINE + "/wait?state=happy", "", 400);
        api.visit("GET " + MACHINE + "/wait?state=stopped&from_event_id={event}&timeout=1", "", 408);
        api.visit("GET " + MACHINE + "/wait?state=settled&version={version}", "", 200);
    }

    private void memory() throws IOException {
        api.visit("POST " + MACHINE + "/start", "", 200);
        api.visit("GET " + MACHINE + "/wait?state=started&timeout=60", "", 200);
        JsonNode memory = api.visit("GET " + MACHINE + "/memory", "", 200);
        api.same("limit_mb", memory.path("limit_mb"), "128");
        memory = api.visit("PUT " + MACHINE + "/memory", "{\"limit_mb\":100}", 200);
        api.same("limit_mb", memory.path("limit_mb"), "100");
        memory = api.visit("GET " + MACHINE + "/memory", "", 200);
        api.same("limit_mb", memory.path("limit_mb"), "100");
        api.visit("PUT " + MACHINE + "/memory", "{\"limit_mb\":129}", 400);
        api.visit("PUT " + MACHINE + "/memory", "{\"limit_mb\":63}", 400);
        api.visit("PUT " + MACHINE + "/memory", "{}", 400);
        api.visit("POST " + MACHINE + "/memory/reclaim", "{\"amount_mb\":10}", 200);
        api.visit("POST " + MACHINE + "/memory/reclaim", "{\"amount_mb\":0}", 400);
        api.visit("POST " + MACHINE + "/stop", "{\"signal\":\"SIGKILL\"}", 200);
        api.visit("GET " + MACHINE + "/wait?state=stopped&timeout=60", "", 200);
    }

    private void updates() throws IOException {
        String body = "{\"config\":{\"image\":\"web\",\"guest\":{\"memory_mb\":128}},\"skip_launch\":true%s}";
        JsonNode second = api.visit("POST " + MACHINE, body.formatted(",\"current_version\":\"{version}\""), 200);
        api.let("second", second.path("instance_id").asString(""));
        api.visit("GET " + MACHINE + "/wait?state=settled", "", 200);
        api.visit("POST " + MACHINE, body.formatted(",\"current_version\":\"{version}\""), 412);
        api.visit("POST " + MACHINE, "{\"config\":{\"image\":\"web\",\"colour\":\"red\"}}", 400);
        JsonNode old = api.visit("GET " + MACHINE + "/wait?state=destroyed&version={version}", "", 200);
        api.same("the old version's state", old.path("state"), "replaced");
    }

    private void addresses() throws IOException {
        String all = " /apps/{app_name}/ip_assignments";
        JsonNode made = api.visit("POST" + all, "{\"type\":\"shared_v4\"}", 200);
        api.let("ip", made.path("ip").asString("none"));
        api.visit("GET" + all, "", 200);
        api.visit("DELETE" + all + "/{ip}", "", 204);
    }

    private void platform() throws IOException {
        api.visit("GET /platform/regions", "", 200);
        api.visit("POST /platform/placements", "{\"org_slug\":\"personal\"}", 200);
    }

    private void ends() throws IOException {
        api.visit("DELETE " + MACHINE, "", 200);
        api.visit("GET " + MACHINE + "/wait?state=destroyed&timeout=60", "", 200);
        api.visit("DELETE /apps/{app_name}", "", 202);
    }
}
