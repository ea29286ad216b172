package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the command does with a deploy; that the real daemon says the same is tested where both are. */
class DeployCommandsTest {
    private static final String POST = "POST /v1/apps/shop/deploys";
    private static final String WATCH = "GET /v1/apps/shop/deploys/D1/watch";

    @TempDir
    Path data;

    private FakeDaemon daemon;

    @BeforeEach
    void start() throws Exception {
        Files.writeString(data.resolve("allod.toml"), "app = \"shop\"\nimage = \"shop:2\"\n");
        daemon = new FakeDaemon(data)
                .on("GET /v1/apps/shop", 200, "{\"name\":\"shop\"}")
                .on("GET /v1/apps/shop/machines", 200, "[{\"config\":{\"services\":[{}]}}]")
                .on("GET /v1/host/status", 200, "{\"edge\":\"127.0.0.1:8080\",\"domain\":\"localhost\"}");
    }

    @AfterEach
    void stop() throws Exception {
        daemon.close();
    }

    private static String deploy(String status, String phase, String more) {
        return """
                {"id":"D1","app":"shop","number":7,"status":"%s","strategy":"rolling","why":"","machines":[\
                {"name":"m0","phase":"%s","role":"update","note":""}]%s}""".formatted(status, phase, more);
    }

    private Ran ran(String... args) {
        return Ran.here(data, args);
    }

    @Test
    void deploy_followsToTheEnd_andSaysWhereItIsServed() {
        daemon.on(POST, 200, deploy("pending", "idle", "")).stream(
                WATCH,
                deploy("running", "changing", ""),
                deploy("running", "verifying", ""),
                deploy("done", "serving", ",\"ended_at\":\"2026-01-01T00:00:00Z\""));
        Ran ran = ran("deploy", data.toString());
        assertThat(ran.exit()).as(ran.err()).isZero();
        assertThat(ran.err()).contains("m0  is being updated", "m0  has started", "m0  is at the new version");
        assertThat(ran.out())
                .isEqualTo("deploy 7 of shop is done: 1 machine at the new version\nhttp://shop.localhost:8080/\n");
        assertThat(daemon.bodies(POST)
                        .getFirst()
                        .at("groups")
                        .items()
                        .getFirst()
                        .at("config", "image")
                        .text())
                .isEqualTo("shop:2");
    }

    @Test
    void deployThatGoesBack_isAFailureThatSaysWhy() {
        daemon.on(POST, 200, deploy("pending", "idle", "")).stream(
                WATCH,
                deploy("rolling_back", "restoring", "").replace("\"why\":\"\"", "\"why\":\"m0 did not start\""),
                deploy("rolled_back", "restored", ",\"ended_at\":\"2026-01-01T00:00:00Z\"")
                        .replace("\"why\":\"\"", "\"why\":\"m0 did not start\""));
        Ran ran = ran("deploy", data.toString());
        assertThat(ran.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(ran.err()).contains("going back: m0 did not start", "deploy 7 of shop was rolled back");
    }

    @Test
    void daemonThatGoesAway_isAskedAgain() {
        AtomicInteger asked = new AtomicInteger();
        daemon.on(POST, 200, deploy("pending", "idle", ""))
                .on("GET /v1/apps/shop/deploys/D1", 200, deploy("running", "verifying", ""))
                .talk(WATCH, (request, in, out) -> {
                    boolean first = asked.getAndIncrement() == 0;
                    String line = first
                            ? deploy("running", "changing", "")
                            : deploy("done", "serving", ",\"ended_at\":\"2026-01-01T00:00:00Z\"");
                    byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
                    out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                    out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.UTF_8));
                    out.write(bytes);
                    // As a daemon that is killed: in the middle, without an end.
                    out.write((first ? "\r\n" : "\r\n0\r\n\r\n").getBytes(StandardCharsets.UTF_8));
                });
        Ran ran = ran("deploy", data.toString());
        assertThat(ran.exit()).as(ran.err()).isZero();
        assertThat(ran.err()).contains("the daemon is away");
        assertThat(asked.get()).isEqualTo(2);
    }

    @Test
    void secondDeploy_isRefusedWithItsOwnExitCode() {
        daemon.on(POST, 409, "{\"error\":\"app shop is being deployed already: deploy 6\",\"status\":\"unknown\"}");
        Ran ran = ran("deploy", data.toString());
        assertThat(ran.exit()).isEqualTo(ExitCode.REFUSED);
        assertThat(ran.err()).contains("deploy 6");
    }

    @Test
    void badFile_asksNobody() throws Exception {
        Files.writeString(data.resolve("allod.toml"), "app = \"shop\"\nimage = \"a\"\nstrategie = \"x\"\n");
        Ran ran = ran("deploy", data.toString());
        assertThat(ran.exit()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(ran.err()).contains("allod.toml:3: strategie is not a field");
        assertThat(daemon.requests).isEmpty();
        Ran none = ran("deploy", data.resolve("nowhere").toString());
        assertThat(none.exit()).isEqualTo(ExitCode.NOT_FOUND);
    }

    @Test
    void detach_returnsAtOnce_andJsonIsTheDeploy() {
        daemon.on(POST, 200, deploy("pending", "idle", ""));
        assertThat(ran("deploy", data.resolve("allod.toml").toString(), "--detach")
                        .out())
                .contains("is under way");
        assertThat(Json.parse(ran("deploy", data.toString(), "--detach", "--json")
                                .out())
                        .at("id")
                        .text())
                .isEqualTo("D1");
        assertThat(daemon.lines()).doesNotContain(WATCH);
    }

    @Test
    void wordsBelow_areCommandsOfTheirOwn() {
        daemon.on(
                "GET /v1/apps/shop/deploys",
                200,
                "{\"deploys\":[" + deploy("done", "serving", ",\"created_at\":\"2026-01-01T00:00:00Z\"") + "]}");
        Ran ran = ran("deploy", "list", "--app", "shop");
        assertThat(ran.exit()).as(ran.err()).isZero();
        assertThat(ran.out()).contains("7", "done", "rolling");
        assertThat(List.of(ran("deploy", "lst").exit())).containsExactly(ExitCode.NOT_FOUND);
    }
}
