package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.allod.base.MachineId;
import org.allod.base.SystemTimers;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HealthCheckerTest {
    private static final String CONFIG = """
            {"image":"web","services":[{"internal_port":8080,
              "checks":[{"type":"http","path":"/up","interval":"10s","timeout":"1s","grace_period":"30s"}]}],
             "checks":{"disk":{"type":"tcp","port":9,"interval":"5s"}}}
            """;

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
    private final TestHost host = new TestHost(time, time);
    private final List<MachineId> changed = new ArrayList<>();
    private boolean up;
    private int asked;
    private final HealthChecker checks = new HealthChecker(
            time,
            time,
            (address, check) -> {
                asked++;
                return new HealthProbe.Finding(up, up ? "fine" : "refused");
            },
            changed::add);

    @AfterEach
    void close() {
        host.close();
    }

    private String status(String name) {
        return checks.of(TestHost.ID).stream()
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow()
                .status();
    }

    @Test
    void startedMachine_isAskedAtItsIntervals_andHealthyOnceItsServicePasses() {
        Machine m = host.machine(MachineState.STARTED, CONFIG);
        checks.follow(m);
        assertThat(checks.healthy(m.id())).isFalse();
        time.advance(Duration.ofSeconds(1));
        assertThat(status("servicecheck-00-http-8080"))
                .as("within its grace period")
                .isEqualTo("warning");
        assertThat(status("disk")).isEqualTo("critical");
        up = true;
        time.advance(Duration.ofSeconds(10));
        assertThat(status("servicecheck-00-http-8080")).isEqualTo("passing");
        assertThat(checks.healthy(m.id())).isTrue();
        assertThat(changed).contains(m.id());
    }

    @Test
    void failingPastItsGrace_isCritical_andOnlyServicesGateTraffic() {
        Machine m = host.machine(MachineState.STARTED, CONFIG);
        checks.follow(m);
        time.advance(Duration.ofSeconds(60));
        assertThat(status("servicecheck-00-http-8080")).isEqualTo("critical");
        Machine informational = host.machine(
                MachineState.STARTED, "{\"image\":\"web\",\"checks\":{\"disk\":{\"type\":\"tcp\",\"port\":9}}}");
        checks.follow(informational);
        time.advance(Duration.ofSeconds(60));
        assertThat(status("disk")).isEqualTo("critical");
        assertThat(checks.healthy(informational.id())).isTrue();
    }

    @Test
    void stoppedMachine_isNotAsked() {
        Machine m = host.machine(MachineState.STARTED, CONFIG);
        checks.follow(m);
        time.advance(Duration.ofSeconds(11));
        checks.follow(m.withState(MachineState.STOPPING, time.wall()));
        int before = asked;
        time.advance(Duration.ofMinutes(5));
        assertThat(asked).isEqualTo(before);
        assertThat(checks.of(m.id())).isEmpty();
    }

    private static MachineConfig.Check check(boolean http, int port) {
        return new MachineConfig.Check(
                http,
                port,
                "GET",
                "/up",
                Map.of("X-Asked-By", List.of("allod")),
                java.util.Optional.empty(),
                Duration.ofSeconds(1),
                Duration.ofMillis(500),
                Duration.ZERO,
                false);
    }

    @Test
    void probe_onRealSockets_tellsWhatItFound() throws Exception {
        InetAddress loopback = InetAddress.getByName("::1");
        HttpServer server = HttpServer.create(new InetSocketAddress(loopback, 0), 0);
        server.createContext("/up", exchange -> {
            byte[] body = exchange.getRequestHeaders().getFirst("X-Asked-By").getBytes();
            exchange.sendResponseHeaders(up ? 200 : 503, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        SystemTimers timers = new SystemTimers();
        HealthProbe probe = HealthProbe.network(timers);
        int port = server.getAddress().getPort();
        up = true;
        assertThat(probe.ask("::1", check(true, port))).isEqualTo(new HealthProbe.Finding(true, "status 200: allod"));
        up = false;
        assertThat(probe.ask("::1", check(true, port)).ok()).isFalse();
        assertThat(probe.ask("::1", check(false, port)).ok()).isTrue();
        server.stop(0);
        assertThat(probe.ask("::1", check(false, port)).ok()).isFalse();
        assertThat(probe.ask("::1", check(true, port)).ok()).isFalse();
        timers.close();
    }

    @Test
    void probe_ofAServerThatNeverAnswers_ends() throws Exception {
        try (SystemTimers timers = new SystemTimers();
                ServerSocket silent = new ServerSocket(0, 5, InetAddress.getByName("::1"))) {
            assertThat(HealthProbe.network(timers)
                            .ask("::1", check(true, silent.getLocalPort()))
                            .ok())
                    .isFalse();
        }
    }
}
