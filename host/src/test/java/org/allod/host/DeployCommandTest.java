package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.allod.soak.Campaign;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.JsonNode;

/**
 * {@code allod deploy} as a real process that is interrupted or killed while real guests change. Whatever becomes of the
 * command, the machines end at one version, all of them, with nothing held against whoever comes next.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeployCommandTest {
    private static final String APP = "/v1/apps/cmd";
    private static final String CHANGES = "is being updated";

    private final Set<String> ours = new HashSet<>();
    private Path folder;
    private DaemonProcess daemon;
    private int version;
    /** Milliseconds from a command's start to the daemon's answer, on this machine. */
    private long untilBegun;

    @BeforeAll
    void start() throws Exception {
        folder = Scratch.folder("allod-deploy-command");
        daemon = new DaemonProcess(folder.resolve("data")).start();
        TestImage.build(daemon);
        long began = System.nanoTime();
        try (CommandProcess first = deploy("/version")) {
            first.awaitSaid("deploy 1 of cmd");
            untilBegun = (System.nanoTime() - began) / 1_000_000;
            assertThat(first.exit()).as(first.said()).isZero();
        }
        serves(version);
    }

    @AfterAll
    void stop() throws Exception {
        if (daemon != null) {
            daemon.call("DELETE", APP + "?force=true", "");
            daemon.close();
            assertThat(Leftovers.of(Set.of(), ours, daemon.data)).isEmpty();
        }
    }

    /** The command that deploys the next version: two machines that serve it at /version, checked at {@code check}. */
    private CommandProcess deploy(String check) throws IOException {
        return CommandProcess.start(daemon, "deploy", write(check));
    }

    private String write(String check) throws IOException {
        version++;
        String content = Base64.getEncoder().encodeToString((version + "\n").getBytes(StandardCharsets.UTF_8));
        Files.writeString(folder.resolve("allod.toml"), """
                app = "cmd"
                image = "web"
                kill_timeout = 2
                [env]
                VERSION = "%d"
                [[files]]
                guest_path = "/srv/version"
                raw_value = "%s"
                [http_service]
                internal_port = 8080
                [[http_service.checks]]
                path = "%s"
                interval = "300ms"
                timeout = "1s"
                [deploy]
                max_unavailable = 1
                wait_timeout = "20s"
                count = 2
                [[vm]]
                memory = "128mb"
                """.formatted(version, content, check));
        return folder.toString();
    }

    private JsonNode last() throws IOException {
        return daemon.ok("GET", APP + "/deploys", "").get("deploys").get(0);
    }

    /** How the last deploy ended, asked by a command of its own, as the first one said to. */
    private String ended() throws Exception {
        try (CommandProcess show = CommandProcess.start(daemon, "deploy", "show", "-f", "--app", "cmd")) {
            int exit = show.exit();
            String status = last().get("status").stringValue();
            assertThat(exit).as(show.said()).isEqualTo(status.equals("done") ? 0 : 1);
            return status;
        }
    }

    private List<JsonNode> machines() throws IOException {
        List<JsonNode> all = new ArrayList<>();
        daemon.ok("GET", APP + "/machines", "").forEach(m -> {
            ours.add(m.get("id").stringValue());
            all.add(m);
        });
        return all;
    }

    /** Both machines are at this version, serve it, are in traffic and leased by nobody. */
    private void serves(int expected) throws Exception {
        assertThat(machines()).hasSize(2);
        for (JsonNode m : machines()) {
            assertThat(m.at("/config/env/VERSION").stringValue()).isEqualTo("" + expected);
            assertThat(m.get("state").stringValue()).isEqualTo("started");
            assertThat(m.get("cordoned").booleanValue()).isFalse();
            String lease = APP + "/machines/" + m.get("id").stringValue() + "/lease";
            assertThat(daemon.call("GET", lease, "").statusCode()).isEqualTo(404);
        }
        for (int i = 0; i < 4; i++) {
            assertThat(daemon.through("cmd", "/version").body()).isEqualTo(expected + "\n");
        }
    }

    @Test
    void interrupted_endsWith130_saysHowToFollow_andTheDeployIsFinished() throws Exception {
        try (CommandProcess command = deploy("/version")) {
            command.awaitSaid(CHANGES);
            command.interrupt();
            assertThat(command.exit()).isEqualTo(130);
            assertThat(command.said())
                    .contains("the deploy goes on; `allod deploy show -f --app cmd` follows it")
                    .doesNotContain("Exception");
        }
        assertThat(ended()).isEqualTo("done");
        serves(version);
    }

    @Test
    void interruptedAtATerminal_asks_andYesTakesTheDeployBack() throws Exception {
        int before = version;
        try (CommandProcess command = CommandProcess.atTerminal(daemon, "deploy", write("/missing"))) {
            command.awaitSaid(CHANGES);
            command.type("\u0003");
            command.awaitSaid("Cancel the deploy and go back?");
            command.type("y\n");
            assertThat(command.exit()).as(command.said()).isEqualTo(130);
            assertThat(command.said()).contains("the deploy is being taken back");
        }
        assertThat(ended()).isEqualTo("rolled_back");
        assertThat(last().get("why").stringValue()).contains("cancelled by the operator");
        serves(before);
        version = before;
    }

    @Test
    void killedWhileMachinesChange_theDeployIsFinished_orGoesBack() throws Exception {
        try (CommandProcess command = deploy("/version")) {
            command.awaitSaid(CHANGES);
            command.kill();
        }
        assertThat(ended()).isEqualTo("done");
        serves(version);
        int before = version;
        try (CommandProcess command = deploy("/missing")) {
            command.awaitSaid(CHANGES);
            command.kill();
        }
        assertThat(ended()).isEqualTo("rolled_back");
        serves(before);
        version = before;
    }

    @Test
    void killedTogetherWithTheDaemon_theDeployIsFinished() throws Exception {
        try (CommandProcess command = deploy("/version")) {
            command.awaitSaid(CHANGES);
            command.kill();
            daemon.kill();
        }
        daemon.start();
        assertThat(ended()).isEqualTo("done");
        serves(version);
    }

    /** From before it has connected to when machines change; for longer: {@code ./allod soak deploy-kills}. */
    @Test
    void killedAtAnyMoment_theMachinesAreAtOneVersion() throws Exception {
        Campaign campaign = Campaign.of("deploy-kills");
        Random random = new Random(campaign.seed());
        for (int i = 0; campaign.goesOn(i, 4); i++) {
            int before = version;
            String previous = last().get("id").stringValue();
            try (CommandProcess command = deploy("/version")) {
                Thread.sleep(untilBegun / 2 + random.nextLong(untilBegun + 1_000));
                command.kill();
            }
            Thread.sleep(300); // what it had sent may still be on its way
            boolean begun = !last().get("id").stringValue().equals(previous);
            System.out.println("  killed, and the deploy had " + (begun ? "begun" : "not begun"));
            if (begun) {
                assertThat(ended()).isEqualTo("done");
            } else {
                version = before;
            }
            serves(version);
        }
    }
}
