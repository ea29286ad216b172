package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a deploy file to the request; and errors in a file, with their line. */
class DeployPlanTest {
    @TempDir
    Path folder;

    private final List<String> warnings = new ArrayList<>();

    private DeployPlan plan(String toml) throws Exception {
        return plan(toml, new DeployPlan.Over(Optional.empty(), Optional.empty(), Optional.empty()));
    }

    private DeployPlan plan(String toml, DeployPlan.Over over) throws Exception {
        Path file = folder.resolve("allod.toml");
        Files.writeString(file, toml);
        return DeployPlan.of(DeployFile.read(file, warnings::add), folder, over);
    }

    private void refused(String toml, String... says) {
        assertThatThrownBy(() -> plan(toml))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        e -> assertThat(e.getMessage() + " " + e.hint().orElse(""))
                                .contains(says));
    }

    private static Json config(DeployPlan plan, int group) {
        return plan.request().at("groups").items().get(group).at("config");
    }

    @Test
    void smallFile_isOneGroup() throws Exception {
        DeployPlan plan = plan("app = \"shop\"\nimage = \"shop:2\"\n");
        assertThat(plan.app()).isEqualTo("shop");
        assertThat(plan.request().write())
                .isEqualTo(
                        "{\"strategy\":\"rolling\",\"groups\":[{\"name\":\"app\",\"config\":{\"image\":\"shop:2\"}}]}");
    }

    @Test
    void everyTable_reachesTheConfiguration() throws Exception {
        Files.writeString(folder.resolve("app.conf"), "x=1\n");
        DeployPlan plan = plan("""
                app = "shop"
                kill_signal = "SIGINT"
                kill_timeout = 10
                [build]
                image = "shop:2"
                [env]
                LOG = "info"
                PORT = 8080
                [processes]
                web = "serve --port '80 80'"
                worker = "work"
                [http_service]
                internal_port = 8080
                auto_stop_machines = true
                auto_start_machines = true
                min_machines_running = 1
                processes = ["web"]
                [http_service.concurrency]
                type = "requests"
                soft_limit = 5
                [[http_service.checks]]
                path = "/health"
                interval = "5s"
                headers = { X-A = "b" }
                [checks.alive]
                type = "tcp"
                port = 9
                processes = ["worker"]
                [deploy]
                strategy = "canary"
                max_unavailable = 2
                wait_timeout = "30s"
                count = { web = 3 }
                [[vm]]
                memory = "1gb"
                cpus = 2
                [mounts]
                source = "data"
                destination = "/data"
                initial_size = "2gb"
                processes = ["worker"]
                [[files]]
                guest_path = "/etc/app.conf"
                local_path = "app.conf"
                [[restart]]
                policy = "never"
                processes = ["worker"]
                """);
        Json web = config(plan, 0);
        Json worker = config(plan, 1);
        assertThat(plan.request().at("strategy").text()).isEqualTo("canary");
        assertThat(plan.request().at("max_unavailable").text()).isEqualTo("2");
        assertThat(plan.request().at("groups").items().get(0).at("count").text())
                .isEqualTo("3");
        assertThat(plan.request().at("groups").items().get(1).at("count").isNull())
                .isTrue();
        assertThat(web.at("init", "cmd").write()).isEqualTo("[\"serve\",\"--port\",\"80 80\"]");
        assertThat(web.at("env").write()).isEqualTo("{\"LOG\":\"info\",\"PORT\":\"8080\"}");
        assertThat(web.at("stop_config").write()).isEqualTo("{\"signal\":\"SIGINT\",\"timeout\":\"10s\"}");
        Json service = web.at("services").items().getFirst();
        assertThat(service.at("autostop").text()).isEqualTo("stop");
        assertThat(service.at("concurrency").write()).isEqualTo("{\"type\":\"requests\",\"soft_limit\":5}");
        assertThat(service.at("checks").items().getFirst().write())
                .isEqualTo("{\"type\":\"http\",\"path\":\"/health\",\"interval\":\"5s\","
                        + "\"headers\":[{\"name\":\"X-A\",\"values\":[\"b\"]}]}");
        assertThat(web.at("checks").isNull()).isTrue();
        assertThat(worker.at("services").isNull()).isTrue();
        assertThat(worker.at("checks", "alive").write()).isEqualTo("{\"type\":\"tcp\",\"port\":9}");
        assertThat(web.at("guest").write()).isEqualTo("{\"cpus\":2,\"memory_mb\":1024}");
        assertThat(worker.at("mounts").write()).isEqualTo("[{\"name\":\"data\",\"path\":\"/data\",\"size_gb\":2}]");
        assertThat(web.at("files").write())
                .isEqualTo("[{\"guest_path\":\"/etc/app.conf\",\"raw_value\":\"eD0xCg==\"}]");
        assertThat(worker.at("restart", "policy").text()).isEqualTo("no");
        assertThat(web.at("restart").isNull()).isTrue();
        assertThat(warnings).isEmpty();
    }

    @Test
    void statics_reachTheConfiguration_ofTheGroupsThatTheyName() throws Exception {
        DeployPlan plan = plan("""
                app = "shop"
                image = "shop:2"
                [processes]
                web = "serve"
                worker = "work"
                [[statics]]
                guest_path = "/app/public"
                url_prefix = "/"
                processes = ["web"]
                [[statics]]
                guest_path = "/app/docs"
                url_prefix = "/docs"
                index_document = "index.html"
                """);
        assertThat(config(plan, 0).at("statics").write())
                .isEqualTo("[{\"guest_path\":\"/app/public\",\"url_prefix\":\"/\"},"
                        + "{\"guest_path\":\"/app/docs\",\"url_prefix\":\"/docs\",\"index_document\":\"index.html\"}]");
        assertThat(config(plan, 1).at("statics").items()).hasSize(1);
    }

    @Test
    void commandLine_goesBeforeTheFile() throws Exception {
        DeployPlan plan = plan(
                "app = \"a\"\nimage = \"b\"\n[deploy]\nstrategy = \"canary\"\n",
                new DeployPlan.Over(Optional.of("x"), Optional.of("y"), Optional.of("immediate")));
        assertThat(plan.app()).isEqualTo("x");
        assertThat(config(plan, 0).at("image").text()).isEqualTo("y");
        assertThat(plan.request().at("strategy").text()).isEqualTo("immediate");
    }

    @Test
    void wrongFields_areRefusedWithTheirLine() {
        String head = "app = \"a\"\nimage = \"b\"\n";
        refused(
                head + "[htp_service]\ninternal_port = 80\n",
                "allod.toml:3: htp_service",
                "did you mean http_service?");
        refused(head + "[http_service]\ninternal_prt = 80\n", "allod.toml:3: http_service.internal_port is missing");
        refused(
                head + "[http_service]\n# a comment\ninternal_port = 80\nauto_stop = true\n",
                "allod.toml:6: http_service.auto_stop",
                "did you mean http_service.auto_stop_machines?");
        refused(
                head
                        + "[[services]]\ninternal_port = 80\n[[services.ports]]\nport = 80\n[[services.ports]]\nport = \"x\"\n",
                "allod.toml:8: services[0].ports[1].port is \"x\"",
                "a whole number from 1 to 65535");
        refused(
                head + "note = \"\"\"\n[deploy]\nlines\n\"\"\"\n[deploy]\nstrategy = \"fast\"\n",
                "allod.toml:8: deploy.strategy is \"fast\"",
                "rolling");
        refused(head + "[deploy]\nseed_command = \"seed\"\n", "allod.toml:4: deploy.seed_command is not supported");
        refused(
                "app = \"a\"\n[build]\ndockerfile = \"Dockerfile\"\n",
                "allod.toml:3: build.dockerfile",
                "images are not built",
                "name it with image or --image");
        refused(
                head + "[[statics]]\nguest_path = \"/a\"\n",
                "statics[0].url_prefix is missing",
                "where requests begin");
        refused(
                head + "[[statics]]\nguest_path = \"/a\"\nurl_prefix = \"/\"\ntigris_bucket = \"b\"\n",
                "allod.toml:6: statics[0].tigris_bucket is not supported");
        refused(head + "[experimental]\na = 1\n", "allod.toml:4: experimental.a is not a field");
        refused(
                head + "[experimental]\nauto_rollback = false\n",
                "allod.toml:4: experimental.auto_rollback is false",
                "always taken back");
        refused(
                head + "[[services]]\ninternal_port = 1\n[[services.script_checks]]\ncommand = \"x\"\n",
                "allod.toml:5: services[0].script_checks is not supported");
        refused(head + "[checks.alive]\ntype = \"tcp\"\n", "allod.toml:3: checks.alive.port is missing", "no service");
        refused(head + "[checks.alive]\ntype = \"tcp\"\nport = 1\ninterval = 10\n", "allod.toml:6", "with its unit");
        refused(
                head + "[[vm]]\nprocesses = [\"web\"]\n",
                "allod.toml:4: vm[0].processes names \"web\"",
                "there are: app");
        refused(head + "[deploy]\ncount = { web = 1 }\n", "allod.toml:4: deploy.count.web is not a field");
    }

    @Test
    void notToml_isSaidWithItsLine() {
        refused("app = \"a\"\nimage = \n", "allod.toml:2: not TOML");
        refused("app = \"a\"\napp = \"b\"\n", "allod.toml:", "not TOML: Duplicate key");
    }

    @Test
    void missingAppOrImage_isSaid() {
        refused("image = \"b\"\n", "names no app", "--app");
        refused("app = \"b\"\n", "names no image", "--image");
    }

    @Test
    void fieldsWithoutMeaningHere_areNamedInAWarning() throws Exception {
        plan("app = \"a\"\nimage = \"b\"\nprimary_region = \"ams\"\nconsole_command = \"sh\"\n");
        assertThat(warnings)
                .hasSize(2)
                .anyMatch(w -> w.contains("allod.toml:3: primary_region has no effect"))
                .anyMatch(w -> w.contains("allod.toml:4: console_command has no effect"));
    }

    /** As the tool that writes it does: every field of it must be read, refused or warned of. */
    @Test
    void aUsualFlyToml_isRead() throws Exception {
        DeployPlan plan = plan("""
                # fly.toml app configuration file generated for shop on 2026-01-01T00:00:00Z
                #
                # See https://fly.io/docs/reference/configuration/ for information about how to use this file.
                #

                app = 'shop'
                primary_region = 'ams'

                [build]
                  image = 'shop:2'

                [http_service]
                  internal_port = 8080
                  force_https = true
                  auto_stop_machines = 'stop'
                  auto_start_machines = true
                  min_machines_running = 0
                  processes = ['app']

                [[vm]]
                  memory = '1gb'
                  cpu_kind = 'shared'
                  cpus = 1
                """);
        assertThat(config(plan, 0).at("services").items().getFirst().at("ports").write())
                .isEqualTo("[{\"port\":80,\"handlers\":[\"http\"],\"force_https\":true},"
                        + "{\"port\":443,\"handlers\":[\"tls\",\"http\"]}]");
        assertThat(warnings).singleElement().asString().contains("primary_region");
    }

    /** As the tool wrote it for years; repositories are full of them. */
    @Test
    void anOldFlyToml_isRead() throws Exception {
        DeployPlan plan = plan("""
                # fly.toml file generated for shop on 2023-01-20T16:29:31+01:00

                app = "shop"
                image = "shop:2"
                kill_signal = "SIGINT"
                kill_timeout = 5
                processes = []

                [env]

                [experimental]
                  allowed_public_ports = []
                  auto_rollback = true

                [[services]]
                  http_checks = []
                  internal_port = 8080
                  processes = ["app"]
                  protocol = "tcp"
                  script_checks = []
                  [services.concurrency]
                    hard_limit = 25
                    soft_limit = 20
                    type = "connections"

                  [[services.ports]]
                    force_https = true
                    handlers = ["http"]
                    port = 80

                  [[services.ports]]
                    handlers = ["tls", "http"]
                    port = 443

                  [[services.tcp_checks]]
                    grace_period = "1s"
                    interval = "15s"
                    restart_limit = 0
                    timeout = "2s"
                """);
        assertThat(warnings).isEmpty();
        assertThat(plan.request().at("groups").items()).hasSize(1);
        assertThat(config(plan, 0)
                        .at("services")
                        .items()
                        .getFirst()
                        .at("checks")
                        .write())
                .isEqualTo("[{\"type\":\"tcp\",\"interval\":\"15s\",\"timeout\":\"2s\",\"grace_period\":\"1s\"}]");
    }

    @Test
    void howAnImageIsBuilt_isNothingToADeployThatIsToldWhatToRun() throws Exception {
        String toml = "app = \"a\"\n[build]\ndockerfile = \"Dockerfile\"\n[build.args]\nGO = \"1\"\n";
        DeployPlan plan = plan(toml, new DeployPlan.Over(Optional.empty(), Optional.of("shop:2"), Optional.empty()));
        assertThat(config(plan, 0).at("image").text()).isEqualTo("shop:2");
        assertThat(warnings)
                .hasSize(2)
                .anyMatch(w -> w.contains("allod.toml:3: build.dockerfile has no effect"))
                .anyMatch(w -> w.contains("allod.toml:4: build.args has no effect"));
    }

    @Test
    void checkWithoutAPort_asksTheServices() throws Exception {
        DeployPlan plan = plan("""
                app = "shop"
                image = "shop:2"
                [http_service]
                internal_port = 8080
                [checks.alive]
                type = "tcp"
                restart_limit = 3
                """);
        assertThat(config(plan, 0).at("checks", "alive").write()).isEqualTo("{\"type\":\"tcp\",\"port\":8080}");
        assertThat(warnings)
                .singleElement()
                .asString()
                .contains("allod.toml:7: checks.alive.restart_limit has no effect");
    }

    @Test
    void releaseCommand_isAskedFor_asWords() throws Exception {
        DeployPlan plan = plan("""
                app = "shop"
                image = "shop:2"
                [deploy]
                release_command = "bin/rails db:migrate 'a b'"
                release_command_timeout = "10m"
                """);
        assertThat(plan.request().at("release").write())
                .isEqualTo("{\"command\":[\"bin/rails\",\"db:migrate\",\"a b\"],\"timeout\":\"10m\"}");
        assertThat(warnings).isEmpty();
    }

    @Test
    void volumeThatDoesNotGrow_andHowItsSnapshotsAreKept() throws Exception {
        DeployPlan plan = plan("""
                app = "shop"
                image = "shop:2"
                [[mounts]]
                source = "data"
                destination = "/data"
                auto_extend_size_threshold = 0
                snapshot_retention = 14
                scheduled_snapshots = true
                """);
        assertThat(config(plan, 0).at("mounts").write()).isEqualTo("[{\"name\":\"data\",\"path\":\"/data\"}]");
        assertThat(warnings).hasSize(2).allMatch(w -> w.contains("`allod volume update` sets it"));
    }

    @Test
    void whatOldFilesSayOfTheProgram_isHonoured() throws Exception {
        DeployPlan plan = plan("""
                app = "shop"
                image = "shop:2"
                [experimental]
                cmd = ["serve", "--fast"]
                entrypoint = "/init"
                """);
        assertThat(config(plan, 0).at("init").write())
                .isEqualTo("{\"cmd\":[\"serve\",\"--fast\"],\"entrypoint\":[\"/init\"]}");
    }
}
