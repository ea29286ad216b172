package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/**
 * Secrets on their way into real guests: they arrive, and are found nowhere else. What is planted is looked for in
 * every file of the daemon's folder and of the instance's under {@code /run}, in the log, in what the API answers, and
 * in the command lines and environments of the host's processes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GuestSecretsTest {
    private static final String APP = "/v1/apps/vault";
    private static final String MACHINES = APP + "/machines";
    private static final String PLANTED = "planted-in-a-guest";

    private DaemonProcess daemon;

    @BeforeAll
    void start() throws Exception {
        daemon = new DaemonProcess(Scratch.folder("allod-guest-secrets").resolve("data"), "--idle", "60").start();
        TestImage.build(daemon);
        daemon.ok("POST", "/v1/apps", "{\"name\":\"vault\"}");
        // What looks for secrets everywhere does find what is there.
        assertThat(TrustTest.holding(daemon, "vault")).isNotEmpty();
    }

    @AfterAll
    void stop() throws Exception {
        if (daemon != null) {
            daemon.call("DELETE", APP + "?force=true", "");
            daemon.close();
        }
    }

    private void set(String name, String value) throws IOException {
        daemon.ok("POST", APP + "/secrets/" + name, "{\"value\":\"" + value + "\"}");
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private String create(String name, String more, String beside) throws Exception {
        String body = TestImage.machine(name, more).strip();
        String id = daemon.ok("POST", MACHINES, body.substring(0, body.length() - 1) + beside + "}")
                .get("id")
                .stringValue();
        daemon.await("vault", id, "started");
        return id;
    }

    private static String in(String runtime) {
        return ",\"runtime\":\"" + runtime + "\"";
    }

    private String inside(String id, String script) throws IOException {
        return daemon.ok(
                        "POST",
                        MACHINES + "/" + id + "/exec",
                        "{\"command\":[\"/bin/busybox\",\"sh\",\"-c\",\"" + script + "\"]}")
                .get("stdout")
                .stringValue();
    }

    /** Everywhere on the host where it should not be. */
    private void nowhere(String planted) throws IOException {
        assertThat(TrustTest.holding(daemon, planted)).as("files").isEmpty();
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            List<Path> telling = processes
                    .filter(p -> p.getFileName().toString().matches("\\d+"))
                    .filter(p -> tells(p.resolve("cmdline"), planted) || tells(p.resolve("environ"), planted))
                    .toList();
            assertThat(telling).as("processes").isEmpty();
        }
        assertThat(TrustTest.holding(Path.of("/run"), planted)).as("/run").isEmpty();
    }

    private static boolean tells(Path file, String planted) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(planted);
        } catch (IOException e) {
            return false; // gone meanwhile, or a kernel's own
        }
    }

    private void answersHide(String id, String planted) throws IOException {
        for (String path : List.of(
                MACHINES,
                MACHINES + "/" + id,
                MACHINES + "/" + id + "/events",
                MACHINES + "/" + id + "/versions",
                APP + "/secrets",
                "/v1/orgs/personal/machines",
                "/v1/fsm/runs?machine=" + id,
                "/v1/host/status")) {
            assertThat(daemon.call("GET", path, "").body()).as(path).doesNotContain(planted);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gvisor", "microvm"})
    void secrets_ofTheApp_areTheGuestsEnvironmentAndFiles_andNowhereElse(String runtime) throws Exception {
        set("TOKEN", PLANTED + "-env");
        set("CERT", base64(PLANTED + "-file"));
        String id = create(
                "one-" + runtime,
                ",\"env\":{\"TOKEN\":\"from the configuration\",\"PLAIN\":\"x\"},"
                        + "\"files\":[{\"guest_path\":\"/etc/app/cert\",\"secret_name\":\"CERT\",\"mode\":256}]",
                in(runtime));
        assertThat(inside(id, "echo $TOKEN $PLAIN")).isEqualTo(PLANTED + "-env x\n");
        assertThat(inside(id, "cat /etc/app/cert; stat -Lc ' %a' /etc/app/cert"))
                .isEqualTo(PLANTED + "-file 400\n");
        answersHide(id, PLANTED);
        nowhere(PLANTED);
        daemon.ok("POST", MACHINES + "/" + id + "/stop", "");
        daemon.await("vault", id, "stopped");
        nowhere(PLANTED);

        // What was set meanwhile is there at the next boot; a kill of the daemon in between changes nothing.
        set("TOKEN", PLANTED + "-new");
        daemon.kill();
        daemon.start();
        nowhere(PLANTED);
        daemon.ok("POST", MACHINES + "/" + id + "/start", "");
        daemon.await("vault", id, "started");
        assertThat(inside(id, "echo $TOKEN; cat /etc/app/cert")).isEqualTo(PLANTED + "-new\n" + PLANTED + "-file");
        nowhere(PLANTED);
    }

    /** Creates a machine of several; each is a shell that became {@code sleep}, of as many seconds as its number. */
    private String several(String name, String runtime, String kind, String... units) throws Exception {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < units.length; i++) {
            String exec = "\"exec\":[\"/bin/busybox\",\"sleep\",\"" + (9_000 + i) + "\"]";
            all.append(i == 0 ? "" : ",").append(units[i].formatted(exec));
        }
        String id = daemon.ok("POST", MACHINES, """
                        {"name":"%s","runtime":"%s","config":{"image":"web","guest":{"memory_mb":256},"%s":[%s]}}
                        """.formatted(name, runtime, kind, all))
                .get("id")
                .stringValue();
        daemon.await("vault", id, "started");
        return id;
    }

    /** What A, B and OWN are in the environment of a process itself, looked at by a command in {@code container}. */
    private String environment(String id, int number, String container) throws IOException {
        String look = "for p in /proc/[0-9]*; do [ \"$(tr '\\0' ' ' < $p/cmdline)\" = \"/bin/busybox sleep $1 \" ] &&"
                + " tr '\\0' '\\n' < $p/environ | grep -E '^(A|B|OWN)=' | sort; done; true";
        return output(id, container, "sh", "-c", look, "look", "" + number)
                .replace('\n', ' ')
                .strip();
    }

    private String output(String id, String container, String... words) throws IOException {
        var body = DaemonProcess.JSON.createObjectNode().put("container", container);
        ArrayNode command = body.putArray("command").add("/bin/busybox");
        List.of(words).forEach(command::add);
        return daemon.ok("POST", MACHINES + "/" + id + "/exec", body.toString())
                .get("stdout")
                .stringValue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gvisor", "microvm"})
    void secrets_ofOneProcess_areInItsEnvironmentAlone(String runtime) throws Exception {
        set("A", PLANTED + "-a");
        set("B", PLANTED + "-b");
        String id = several(
                "processes-" + runtime,
                runtime,
                "processes",
                "{\"secrets\":[{\"env_var\":\"OWN\",\"name\":\"B\"}],%s}",
                "{\"ignore_app_secrets\":true,\"secrets\":[{\"env_var\":\"B\"}],\"env\":{\"B\":\"of the configuration\"},%s}",
                "{\"ignore_app_secrets\":true,\"env\":{\"A\":\"plain\"},%s}",
                "{\"ignore_app_secrets\":false,%s}");
        String a = "A=" + PLANTED + "-a";
        String b = "B=" + PLANTED + "-b";
        assertThat(environment(id, 9_000, "")).isEqualTo(a + " " + b + " OWN=" + PLANTED + "-b");
        assertThat(environment(id, 9_001, "")).isEqualTo(b);
        assertThat(environment(id, 9_002, "")).isEqualTo("A=plain");
        assertThat(environment(id, 9_003, "")).isEqualTo(a + " " + b);
        answersHide(id, PLANTED);
        nowhere(PLANTED);
        // The next boot reads them anew.
        set("B", PLANTED + "-other");
        daemon.ok("POST", MACHINES + "/" + id + "/restart?timeout=1", "");
        daemon.await("vault", id, "started");
        assertThat(environment(id, 9_001, "")).isEqualTo("B=" + PLANTED + "-other");
        daemon.ok("DELETE", MACHINES + "/" + id + "?force=true", "");
        nowhere(PLANTED);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gvisor", "microvm"})
    void secrets_ofOneContainer_areItsAlone(String runtime) throws Exception {
        set("FIRST", base64(PLANTED + "-first"));
        set("SECOND", base64(PLANTED + "-second"));
        set("A", PLANTED + "-a");
        set("B", PLANTED + "-b");
        String id = several(
                "containers-" + runtime,
                runtime,
                "containers",
                "{\"name\":\"all\",\"files\":[{\"guest_path\":\"/etc/own\",\"secret_name\":\"FIRST\"}],%s}",
                "{\"name\":\"one\",\"files\":[{\"guest_path\":\"/etc/own\",\"secret_name\":\"SECOND\"}],\"secrets\":[{\"env_var\":\"OWN\",\"name\":\"B\"}],\"env\":{\"A\":\"plain\"},%s}");
        assertThat(environment(id, 9_000, "all")).isEqualTo("A=" + PLANTED + "-a B=" + PLANTED + "-b");
        assertThat(environment(id, 9_001, "one")).isEqualTo("A=plain OWN=" + PLANTED + "-b");
        assertThat(output(id, "all", "cat", "/etc/own")).isEqualTo(PLANTED + "-first");
        assertThat(output(id, "one", "cat", "/etc/own")).isEqualTo(PLANTED + "-second");
        answersHide(id, PLANTED);
        nowhere(PLANTED);
        daemon.ok("DELETE", MACHINES + "/" + id + "?force=true", "");
        nowhere(PLANTED);
    }

    @Test
    void machine_thatSkipsSecrets_goesWithoutAtEveryBoot_untilAnUpdateSaysOtherwise() throws Exception {
        set("TOKEN", "seen");
        String id = create("two", "", ",\"skip_secrets\":true");
        assertThat(inside(id, "echo [$TOKEN]")).isEqualTo("[]\n");
        daemon.ok("POST", MACHINES + "/" + id + "/restart", "");
        daemon.kill();
        daemon.start();
        daemon.await("vault", id, "started");
        assertThat(inside(id, "echo [$TOKEN]")).isEqualTo("[]\n");
        daemon.ok("POST", MACHINES + "/" + id, TestImage.machine("two", ",\"metadata\":{\"a\":\"b\"}"));
        daemon.await("vault", id, "started");
        assertThat(inside(id, "echo [$TOKEN]")).isEqualTo("[seen]\n");
    }

    @Test
    void createOrUpdate_wantingWhatIsNotThere_isRefusedAndNothingIsMade() throws Exception {
        set("KNOWN", "not base64: " + PLANTED + "!");
        set("LARGE", "x".repeat(60_000));
        refused(400, "KNOWM", ",\"files\":[{\"guest_path\":\"/a\",\"secret_name\":\"KNOWM\"}]", "");
        refused(400, "is not base64", ",\"files\":[{\"guest_path\":\"/a\",\"secret_name\":\"KNOWN\"}]", "");
        refused(
                400,
                "both say what is in the file",
                ",\"files\":[{\"guest_path\":\"/a\",\"secret_name\":\"KNOWN\",\"raw_value\":\"YQ==\"}]",
                "");
        for (String several : List.of("processes", "containers")) {
            String one = ",\"" + several + "\":[{\"name\":\"n\",\"exec\":[\"/bin/busybox\"],\"secrets\":[%s]}]";
            one = several.equals("processes") ? one.replace("\"name\":\"n\",", "") : one;
            refused(400, "no secret KNOWM", one.formatted("{\"env_var\":\"KNOWM\"}"), "");
            refused(400, "did you mean KNOWN?", one.formatted("{\"env_var\":\"A\",\"name\":\"KNOWM\"}"), "");
            refused(400, several + "[0].secrets[0].env_var", one.formatted("{\"env_var\":\"A-B\"}"), "");
            refused(400, several + "[0].secrets[0].env_var", one.formatted("{\"name\":\"KNOWN\"}"), "");
            String twice = "{\"env_var\":\"A\",\"name\":\"KNOWN\"},{\"env_var\":\"A\",\"name\":\"KNOWN\"}";
            refused(400, "sets the variable A twice", one.formatted(twice), "");
            String many = IntStream.range(0, 20)
                    .mapToObj(i -> "{\"env_var\":\"A" + i + "\",\"name\":\"LARGE\"}")
                    .collect(Collectors.joining(","));
            refused(400, several + "[0].secrets[17]: the secrets named up to here", one.formatted(many), "");
        }
        daemon.ok("DELETE", APP + "/secrets/LARGE", "");
        refused(412, "min_secrets_version is 99999", "", ",\"min_secrets_version\":99999");
        refused(400, "min_secrets_version", "", ",\"min_secrets_version\":-1");
        assertThat(daemon.ok("GET", MACHINES + "?include_deleted=true", "").toString())
                .doesNotContain("\"never\"");
    }

    private void refused(int status, String why, String more, String beside) throws IOException {
        String body = TestImage.machine("never", more).strip();
        HttpResponse<String> answer =
                daemon.call("POST", MACHINES, body.substring(0, body.length() - 1) + beside + "}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.body()).contains(why).doesNotContain(PLANTED);
    }

    @Test
    void boot_whoseSecretHasGone_failsSayingWhich() throws Exception {
        set("BRIEF", base64("x"));
        String id = create("three", ",\"files\":[{\"guest_path\":\"/a\",\"secret_name\":\"BRIEF\"}]", "");
        daemon.ok("POST", MACHINES + "/" + id + "/stop", "");
        daemon.await("vault", id, "stopped");
        daemon.ok("DELETE", APP + "/secrets/BRIEF", "");
        daemon.call("POST", MACHINES + "/" + id + "/start", "");
        failsFor(id, "BRIEF");
        // Nor does one boot whose process names a secret that has gone.
        set("BRIEF", "x");
        id = several("four", "gvisor", "processes", "{\"secrets\":[{\"env_var\":\"A\",\"name\":\"BRIEF\"}],%s}");
        daemon.ok("POST", MACHINES + "/" + id + "/stop", "");
        daemon.await("vault", id, "stopped");
        daemon.ok("DELETE", APP + "/secrets/BRIEF", "");
        daemon.call("POST", MACHINES + "/" + id + "/start", "");
        failsFor(id, "BRIEF");
    }

    private void failsFor(String id, String secret) throws Exception {
        JsonNode events = daemon.ok("GET", MACHINES + "/" + id + "/events?limit=5", "");
        for (int i = 0; i < 200 && !events.toString().contains(secret); i++) {
            Thread.sleep(50);
            events = daemon.ok("GET", MACHINES + "/" + id + "/events?limit=5", "");
        }
        assertThat(events.toString()).contains("app vault has no secret " + secret);
    }
}
