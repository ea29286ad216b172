package org.allod.edge;

import static org.allod.edge.Rig.ONE;
import static org.allod.edge.Rig.running;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ForwardingTest {
    @Test
    void request_toRunningMachine_isForwardedWithWhoAsked() {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()))) {
            Rig.RawClient.Reply reply = rig.get("Hello.LOCALHOST.:8080", "/a?b=c");
            assertThat(reply.status()).isEqualTo(200);
            assertThat(reply.header("via")).isEqualTo("1.1 allod");
            assertThat(reply.header("fly-request-id")).hasSize(26);
            assertThat(reply.body())
                    .startsWith("GET /a?b=c HTTP/1.1\r\nHost: Hello.LOCALHOST.:8080\r\n")
                    .contains("x-forwarded-for: 127.0.0.1\r\n")
                    .contains("x-forwarded-proto: http\r\n")
                    .contains("x-forwarded-port: " + rig.edge.address().getPort() + "\r\n")
                    .contains("fly-client-ip: 127.0.0.1\r\n")
                    .contains("fly-forwarded-port: " + rig.edge.address().getPort() + "\r\n")
                    .contains("fly-region: local\r\n")
                    .contains("via: 1.1 allod\r\n")
                    .contains("fly-request-id: " + reply.header("fly-request-id") + "\r\n");
        }
    }

    @Test
    void requests_oneAfterAnother_shareBothConnections() {
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig().publish("hello", running(ONE, backend.port()));
                Rig.RawClient rawClient = rig.dial()) {
            for (int i = 0; i < 50; i++) {
                Rig.RawClient.Reply reply = rawClient
                        .send("GET /" + i + " HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
                        .reply();
                assertThat(reply.body()).startsWith("GET /" + i + " HTTP/1.1");
            }
            assertThat(backend.connections.get()).isEqualTo(1);
            EdgeStats stats = rig.edge.stats();
            assertThat(stats.requests()).isEqualTo(50);
            assertThat(stats.answers().get(2)).isEqualTo(50);
            assertThat(stats.dials()).isEqualTo(1);
            assertThat(stats.inFlight()).isZero();
        }
    }
}
