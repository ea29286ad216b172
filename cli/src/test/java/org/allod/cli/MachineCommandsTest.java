package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The requests of each machine command, and how it handles the responses. */
class MachineCommandsTest {
    private static final String WEB = "/v1/apps/shop/machines/bbbb2222bbbb22";

    @TempDir
    Path data;

    private FakeDaemon daemon;

    @BeforeEach
    void start() throws Exception {
        daemon = new FakeDaemon(data);
    }

    @AfterEach
    void stop() throws Exception {
        daemon.close();
    }

    @Test
    void run_makesAppPullsImageCreatesWaitsAndPrintsTheUrl() {
        daemon.on("POST /v1/apps", 201, "{}").on("GET /v1/host/images", 200, "{\"images\":[]}").stream(
                        "POST /v1/host/images/pull",
                        "{\"phase\":\"pull\",\"detail\":\"sha256:1\",\"done\":5000000,\"total\":20000000}",
                        "{\"image\":{\"reference\":\"reg.example/web:1\"}}")
                .on("POST /v1/apps/shop/machines", 200, "{\"id\":\"m1\",\"name\":\"quiet-moss\"}")
                .on(
                        "GET /v1/apps/shop/machines/m1/wait?state=started,failed&timeout=20",
                        200,
                        "{\"ok\":true,\"state\":\"started\"}")
                .on(
                        "GET /v1/apps/shop/machines/m1",
                        200,
                        "{\"id\":\"m1\",\"name\":\"quiet-moss\",\"state\":\"started\"}")
                .on("GET /v1/host/status", 200, "{\"edge\":\"127.0.0.1:8081\"}");

        Ran ran = Ran.here(
                data,
                ("machine run reg.example/web:1 --app shop --port 80 --runtime gvisor --memory 512 --cpus 2 -e A=1 -e B=x=y"
                                + " --restart always --autostop suspend --name quiet-moss --rm -- httpd -f")
                        .split(" "));

        assertThat(ran.err()).contains("pull sha256:1").contains("booting quiet-moss");
        assertThat(ran.out()).isEqualTo("machine quiet-moss (m1) has started\nhttp://shop.localhost:8081/\n");
        assertThat(ran.exit()).isZero();
        assertThat(daemon.bodies("POST /v1/apps").getFirst().at("app_name").text())
                .isEqualTo("shop");
        assertThat(daemon.bodies("POST /v1/apps/shop/machines")).containsExactly(Json.parse("""
                                {"name":"quiet-moss","runtime":"gvisor","config":{"image":"reg.example/web:1",
                                 "guest":{"cpus":2,"memory_mb":512},"env":{"A":"1","B":"x=y"},
                                 "init":{"cmd":["httpd","-f"]},"restart":{"policy":"always"},"auto_destroy":true,
                                 "services":[{"protocol":"tcp","internal_port":80,"autostart":true,"autostop":"suspend",
                                  "ports":[{"port":80,"handlers":["http"]}]}]}}"""));
    }

    @Test
    void memory_limitedAndReclaimed_saysHowFarItGot() {
        daemon.on("PUT " + WEB + "/memory", 200, "{\"limit_mb\":139,\"available_mb\":6}")
                .on("POST " + WEB + "/memory/reclaim", 200, "{\"actual_mb\":20}")
                .on("GET " + WEB + "/memory", 200, "{\"limit_mb\":139,\"available_mb\":6}");

        Ran ran = Ran.here(data, "machine memory shop/web --limit 64 --reclaim 30".split(" "));

        assertThat(ran.out()).isEqualTo("139 MB, 6 MB of it available\n");
        assertThat(ran.err()).contains("20 MB back").contains("it has 139 MB, not 64");
        assertThat(ran.exit()).isZero();
        assertThat(daemon.bodies("PUT " + WEB + "/memory")).containsExactly(Json.parse("{\"limit_mb\":64}"));
        assertThat(daemon.bodies("POST " + WEB + "/memory/reclaim")).containsExactly(Json.parse("{\"amount_mb\":30}"));
    }

    @Test
    void run_machineFails_saysSoAndWhereToLook() {
        daemon.on("GET /v1/apps/web", 200, "{}")
                .on("GET /v1/host/images", 200, "{\"images\":[{\"reference\":\"web\"}]}")
                .on("POST /v1/apps/web/machines", 200, "{\"id\":\"m1\",\"name\":\"moss\"}")
                .on("GET /v1/apps/web/machines/m1/wait?state=started,failed&timeout=20", 408, "{\"error\":\"not yet\"}")
                .on("GET /v1/apps/web/machines/m1", 200, "{\"id\":\"m1\",\"state\":\"failed\"}");

        Ran ran = Ran.here(data, "machine", "run", "web");

        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err()).contains("machine moss is failed, not started").contains("allod machine logs moss");
    }

    @Test
    void run_pullRefused_createsNothing() {
        daemon.on("GET /v1/apps/web", 200, "{}").on("GET /v1/host/images", 200, "{\"images\":[]}").stream(
                "POST /v1/host/images/pull",
                "{\"error\":\"reg.example has no web:9\",\"status\":\"not_found\",\"http\":404}");

        Ran ran = Ran.here(data, "machine", "run", "reg.example/web:9");

        assertThat(ran.exit()).isEqualTo(3);
        assertThat(ran.err()).contains("allod: reg.example has no web:9");
        assertThat(daemon.lines()).noneMatch(line -> line.startsWith("POST /v1/apps/web/machines"));
    }

    @Test
    void run_imageOfAFile_isMadeAbsoluteAndMustExist() throws Exception {
        assertThat(Ran.here(data, "machine", "run", "./no-such.tar").err())
                .contains("there is no image at " + Path.of("no-such.tar").toAbsolutePath());
        Path archive = Files.createFile(data.resolve("My Web.tar"));
        assertThat(MachineRunCommand.image(archive.toString())).isEqualTo("oci:" + archive);
        assertThat(MachineRunCommand.appOf(archive.toString())).isEqualTo("my-web");
        assertThat(MachineRunCommand.appOf("reg.example:5000/team/Web_App:1.2@sha256:0"))
                .isEqualTo("web-app");
    }

    @Test
    void stop_sendsSignalAndGrace_andWaits() {
        daemon.on("POST " + WEB + "/stop", 200, "{\"ok\":true}")
                .on("GET " + WEB + "/wait?state=stopped,failed&timeout=20", 200, "{\"ok\":true,\"state\":\"stopped\"}")
                .on("GET " + WEB, 200, "{\"id\":\"bbbb2222bbbb22\",\"state\":\"stopped\"}");

        Ran ran = Ran.here(data, "machine", "stop", "shop/web", "--signal", "SIGINT", "--grace", "9");

        assertThat(ran.out()).isEqualTo("web is stopped\n");
        assertThat(daemon.bodies("POST " + WEB + "/stop"))
                .containsExactly(Json.obj("signal", "SIGINT", "timeout", "9s"));
    }

    @Test
    void severalMachines_oneUnknown_noneIsTouched() {
        Ran ran = Ran.here(data, "machine", "destroy", "hello-1", "nope", "--force");

        assertThat(ran.exit()).isEqualTo(3);
        assertThat(daemon.lines()).containsOnly("GET /v1/orgs/personal/machines");
    }

    @Test
    void list_json_isAnArrayOfMachinesWithTheirApps() {
        Json all = Json.parse(Ran.here(data, "machine", "list", "--json").out());

        assertThat(all.items()).hasSize(3);
        assertThat(all.items().getFirst().at("app_name").text()).isEqualTo("hello");
        assertThat(Ran.here(data, "machine", "list", "-q").out())
                .isEqualTo("aaaa1111aaaa11\nbbbb2222bbbb22\nbbbb3333bbbb33\n");
    }

    /** More machines than one answer holds: each is listed once, as it is at last, and found by its name. */
    @Test
    void machinesOfSeveralPages_areListedAndFound() {
        String all = "/v1/orgs/personal/machines";
        String machine = "{\"id\":\"%s\",\"name\":\"%s\",\"app_name\":\"shop\",\"state\":\"%s\"}";
        String one = machine.formatted("aaaa0000aaaa00", "one", "started");
        String two = machine.formatted("bbbb0000bbbb00", "two", "started");
        daemon.on("GET " + all, 200, "{\"machines\":[" + one + "],\"next_cursor\":\"a+b\"}");
        daemon.on("GET " + all + "?cursor=a%2Bb", 200, "{\"machines\":[" + two + "],\"next_cursor\":\"c\"}");
        daemon.on("GET " + all + "?cursor=c", 200, "{\"machines\":[" + one.replace("started", "stopped") + "]}");

        assertThat(Ran.here(data, "machine", "list", "-q").out()).isEqualTo("aaaa0000aaaa00\nbbbb0000bbbb00\n");
        assertThat(Ran.here(data, "machine", "list").out()).contains("stopped");
        assertThat(Ran.here(data, "machine", "stop", "tow").err()).contains("did you mean two?");
    }

    @Test
    void logs_printsTextAlone_orEveryField() {
        daemon.stream(
                "GET " + WEB + "/logs?tail=5",
                "{\"at\":\"2026-01-01T00:00:00Z\",\"stream\":\"stdout\",\"text\":\"one\"}",
                "{\"at\":\"2026-01-01T00:00:01Z\",\"stream\":\"stderr\",\"text\":\"two\\n\"}");

        assertThat(Ran.here(data, "machine", "logs", "shop/web", "-n", "5").out())
                .isEqualTo("one\ntwo\n");
        assertThat(Ran.here(data, "machine", "logs", "shop/web", "-n", "5", "--timestamps")
                        .out())
                .startsWith("2026-01-01T00:00:00Z  one\n");
        assertThat(Ran.here(data, "machine", "logs", "shop/web", "-n", "5", "--json")
                        .out())
                .startsWith("{\"at\":");
    }

    @Test
    void imageBuild_sendsEverything_andStreamedErrorEndsIt() throws Exception {
        Path site = Files.createDirectory(data.resolve("site"));
        daemon.stream(
                "POST /v1/host/images/build", "{\"image\":{\"reference\":\"web\",\"digest\":\"d\",\"bytes\":1234567}}");

        Ran ran = Ran.here(
                data,
                "image",
                "build",
                "-t",
                "web",
                "--debian",
                "busybox-static",
                "--debian",
                "tzdata",
                "--copy",
                site + ":/srv",
                "--cmd",
                "busybox httpd -h '/srv x'",
                "-e",
                "A=1",
                "-p",
                "8080");

        assertThat(ran.out()).isEqualTo("web  d  1.2 MB\n");
        assertThat(daemon.bodies("POST /v1/host/images/build"))
                .containsExactly(Json.obj(
                        "name", "web",
                        "packages", List.of("busybox-static", "tzdata"),
                        "copies", List.of(Map.of("source", site.toString(), "destination", "/srv")),
                        "cmd", List.of("busybox", "httpd", "-h", "/srv x"),
                        "env", List.of("A=1"),
                        "ports", List.of(8080)));

        daemon.stream("POST /v1/host/images/build", "{\"phase\":\"build\",\"detail\":\"x\"}");
        Ran cut = Ran.here(data, "image", "build", "-t", "web", "--debian", "x");
        assertThat(cut.exit()).isEqualTo(1);
        assertThat(cut.err()).contains("ended its answer before the image was ready");
    }

    @Test
    void appDestroy_withMachines_needsForce() {
        daemon.on("GET /v1/apps/shop/machines", 200, "[{\"id\":\"bbbb2222bbbb22\",\"name\":\"web\"}]")
                .on("DELETE " + WEB + "?force=true", 200, "{\"ok\":true}")
                .on("GET " + WEB + "/wait?state=destroyed&timeout=20", 200, "{\"ok\":true,\"state\":\"destroyed\"}")
                .on("GET " + WEB, 200, "{\"id\":\"bbbb2222bbbb22\",\"state\":\"destroyed\"}")
                .on("GET /v1/apps/shop", 200, "{\"volume_count\":0}")
                .on("DELETE /v1/apps/shop?force=true", 202, "");

        Ran refused = Ran.here(data, "app", "destroy", "shop");
        assertThat(refused.exit()).isEqualTo(4);
        assertThat(refused.err()).contains("app shop has 1 machine\n  destroy them first, or add --force");

        assertThat(Ran.here(data, "app", "destroy", "shop", "--force").out()).isEqualTo("app shop is gone\n");
        // Not before they are gone: an app with machines is not deleted.
        assertThat(daemon.lines())
                .endsWith(
                        "DELETE " + WEB + "?force=true",
                        "GET " + WEB + "/wait?state=destroyed&timeout=20",
                        "GET " + WEB,
                        "DELETE /v1/apps/shop?force=true");
    }

    @Test
    void destroy_isDone_onlyOnceTheMachineIsGone() {
        daemon.on("DELETE " + WEB + "?force=true", 200, "{\"ok\":true}")
                .on("GET " + WEB + "/wait?state=destroyed&timeout=2", 408, "{\"error\":\"not yet\"}")
                .on("GET " + WEB + "/wait?state=destroyed&timeout=1", 408, "{\"error\":\"not yet\"}")
                .on("GET " + WEB, 200, "{\"id\":\"bbbb2222bbbb22\",\"state\":\"destroying\"}");

        Ran late = Ran.here(data, "machine", "destroy", "shop/web", "--force", "--timeout", "0");
        assertThat(late.out()).isEqualTo("web is being destroyed\n");

        daemon.on("GET " + WEB + "/wait?state=destroyed&timeout=20", 404, "{\"error\":\"no such machine\"}");
        Ran gone = Ran.here(data, "machine", "destroy", "shop/web", "--force");
        assertThat(gone.out()).isEqualTo("web is gone\n");
        assertThat(daemon.lines()).endsWith("GET " + WEB + "/wait?state=destroyed&timeout=20");
    }

    @Test
    void update_changesWhatIsNamed_andKeepsTheRest() {
        daemon.on("GET " + WEB, 200, """
                        {"id":"bbbb2222bbbb22","state":"started","instance_id":"V1","config":{"image":"web",
                         "guest":{"cpus":1,"memory_mb":256},"env":{"A":"1","B":"2"},
                         "services":[{"internal_port":80,"autostop":"off","ports":[{"port":80}]}],"mounts":[{"x":1}]}}""")
                .on("POST " + WEB, 200, "{\"id\":\"bbbb2222bbbb22\",\"instance_id\":\"V2\"}")
                .on("GET " + WEB + "/wait?state=settled&timeout=20", 200, "{\"ok\":true,\"state\":\"started\"}");

        Ran same = Ran.here(data, "machine", "update", "shop/web");
        assertThat(same.exit()).isEqualTo(2);
        assertThat(same.err()).contains("nothing to change about machine web");

        Ran ran = Ran.here(
                data,
                "machine",
                "update",
                "shop/web",
                "--memory",
                "512",
                "-e",
                "B=3",
                "--unset",
                "A",
                "--autostop",
                "stop");
        assertThat(daemon.bodies("POST " + WEB)).containsExactly(Json.parse("""
                        {"config":{"image":"web","guest":{"cpus":1,"memory_mb":512},"env":{"B":"3"},
                         "services":[{"internal_port":80,"autostop":"stop","ports":[{"port":80}]}],"mounts":[{"x":1}]},
                         "current_version":"V1","skip_launch":false}"""));
        // The fake's machine is still at the previous version: said, not passed over.
        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err()).contains("still at the previous version");
    }

    @Test
    void metadata_withoutKeys_isShown_andNothingIsChanged() {
        daemon.on("GET " + WEB + "/metadata", 200, "{\"role\":\"web\"}");
        Ran ran = Ran.here(data, "machine", "metadata", "shop/web");
        assertThat(ran.err()).isEmpty();
        assertThat(ran.out()).isEqualTo("role=web\n");
    }

    @Test
    void list_showsTheBeginningOfADigest() {
        daemon.on(
                "GET /v1/apps/shop/machines",
                200,
                "[{\"id\":\"m1\",\"name\":\"web\",\"state\":\"started\",\"created_at\":\"2026-01-01T00:00:00Z\","
                        + "\"config\":{\"image\":\"web@sha256:" + "0123456789abcdef".repeat(4) + "\"}}]");
        assertThat(Ran.here(data, "machine", "list", "--app", "shop").out()).endsWith(" web@01234567\n");
    }

    @Test
    void suspend_thatFails_isSaidAtOnce_withItsReason() {
        daemon.on("POST " + WEB + "/suspend", 200, "{\"ok\":true}")
                .on(
                        "GET " + WEB + "/wait?state=suspended,settled&timeout=20",
                        200,
                        "{\"ok\":true,\"state\":\"started\"}")
                .on(
                        "GET " + WEB,
                        200,
                        "{\"id\":\"bbbb2222bbbb22\",\"name\":\"web\",\"state\":\"started\",\"events\":["
                                + "{\"type\":\"suspend_failed\",\"status\":\"started\",\"timestamp\":1,"
                                + "\"request\":{\"reason\":\"SYSTEM: the disk is full\"}},"
                                + "{\"type\":\"exit\",\"status\":\"started\",\"timestamp\":1,"
                                + "\"request\":{\"exit_event\":{\"exit_code\":-1,\"signal\":9,\"oom_killed\":true}}}]}");
        Ran ran = Ran.here(data, "machine", "suspend", "shop/web");
        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err()).contains("machine web is started, not suspended: SYSTEM: the disk is full");
        assertThat(Ran.here(data, "machine", "show", "shop/web").out())
                .contains("suspend_failed  started  SYSTEM: the disk is full\n")
                .contains("exit  started  signal 9, out of memory\n");
    }
}
