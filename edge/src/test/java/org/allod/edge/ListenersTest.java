package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ports in addition to the edge's own: raw TCP, TLS, and HTTP with options of its own. */
class ListenersTest {
    @TempDir
    static Path folder;

    private static final String GET = "GET /a?b=c HTTP/1.1\r\nHost: hello.localhost\r\n\r\n";

    /** Says hello first, as many protocols do, and then repeats what it hears. */
    private static RawBackend greeter() {
        return new RawBackend(conn -> {
            conn.write("220 hello\r\n");
            byte[] piece = new byte[256];
            for (int n = conn.in.read(piece); n > 0; n = conn.in.read(piece)) {
                conn.write(new String(piece, 0, n, StandardCharsets.ISO_8859_1));
            }
        });
    }

    private static Catalog raw(int port, boolean tls, HttpOptions options, Backend... backends) {
        return new Catalog(
                Map.of("db:" + port, new CatalogApp("db", List.of(backends), options)),
                List.of(ListenerSpec.raw(port, tls, "db:" + port)));
    }

    private static Rig.RawClient dial(int port) {
        return new Rig.RawClient(Rig.loopback(port));
    }

    @Test
    void rawPort_carriesBytesBothWays_andClosesWithTheCatalog() {
        int port = Rig.closedPort();
        try (Rig rig = new Rig();
                RawBackend backend = greeter()) {
            rig.edge.publish(raw(port, false, HttpOptions.USUAL, Rig.running(Rig.ONE, backend.port())));
            try (Rig.RawClient rawClient = dial(port)) {
                assertThat(rawClient.read(11)).isEqualTo("220 hello\r\n");
                assertThat(rawClient.send("\0\1binary").read(8)).isEqualTo("\0\1binary");
                rig.edge.publish(Catalog.EMPTY);
                assertThat(rawClient.send("still").read(5)).isEqualTo("still");
                assertThat(rawClient.finishSending().closed(Duration.ofSeconds(5)))
                        .isTrue();
            }
            assertThatThrownBy(() -> dial(port)).hasMessageContaining("refused");
            assertThat(rig.edge.stats().inFlight()).isZero();
        }
    }

    @Test
    void rawPort_wakesAMachine_andHoldsWhatTheClientSends() {
        int port = Rig.closedPort();
        try (Rig rig = new Rig();
                RawBackend backend = greeter()) {
            rig.machines.onWake = id -> CompletableFuture.completedFuture(Rig.running(Rig.ONE, backend.port()));
            rig.edge.publish(raw(port, false, HttpOptions.USUAL, Rig.stopped(Rig.ONE, backend.port())));
            try (Rig.RawClient rawClient = dial(port)) {
                assertThat(rawClient.send("early").read(16)).isEqualTo("220 hello\r\nearly");
            }
            assertThat(rig.machines.woken).containsExactly(Rig.ONE);
        }
    }

    @Test
    void rawPort_withoutAnyMachine_resets() {
        int port = Rig.closedPort();
        try (Rig rig = new Rig()) {
            rig.edge.publish(raw(port, false, HttpOptions.USUAL));
            try (Rig.RawClient rawClient = dial(port)) {
                assertThat(rawClient.closed(Duration.ofSeconds(5))).isTrue();
            }
        }
    }

    @Test
    void rawPort_atItsHardLimit_makesTheNextWait() {
        int port = Rig.closedPort();
        try (Rig rig = new Rig();
                RawBackend backend = greeter()) {
            Service one = Service.plain().limited(Service.Concurrency.CONNECTIONS, 1, 1);
            rig.edge.publish(raw(
                    port,
                    false,
                    HttpOptions.USUAL,
                    Backend.of(Rig.ONE, Rig.loopback(backend.port()), Backend.State.RUNNING, one)));
            Rig.RawClient first = dial(port);
            assertThat(first.read(11)).isEqualTo("220 hello\r\n");
            try (Rig.RawClient second = dial(port)) {
                Rig.eventually(() -> rig.edge.stats().heldNow() == 1, "the second waits");
                first.close();
                assertThat(second.read(11)).isEqualTo("220 hello\r\n");
            }
        }
    }

    @Test
    void proxyProtocol_tellsTheMachineWhoTheClientIs() {
        int port = Rig.closedPort();
        try (Rig rig = new Rig();
                RawBackend backend =
                        new RawBackend(conn -> conn.write(HexFormat.of().formatHex(conn.in.readNBytes(16)) + "\r\n"))) {
            HttpOptions two = new HttpOptions(false, Map.of(), false, Optional.empty(), false, Optional.empty(), 2);
            rig.edge.publish(raw(port, false, two, Rig.running(Rig.ONE, backend.port())));
            try (Rig.RawClient rawClient = dial(port)) {
                assertThat(rawClient.read(32)).isEqualTo("0d0a0d0a000d0a515549540a2111000c");
            }
        }
        assertThat(new String(
                        ProxyHeader.of(
                                1, new InetSocketAddress("192.0.2.7", 4000), new InetSocketAddress("192.0.2.1", 5432)),
                        StandardCharsets.US_ASCII))
                .isEqualTo("PROXY TCP4 192.0.2.7 192.0.2.1 4000 5432\r\n");
        assertThat(ProxyHeader.of(2, new InetSocketAddress("2001:db8::7", 4000), new InetSocketAddress("192.0.2.1", 1)))
                .hasSize(16 + 36);
    }

    @Test
    void httpPorts_areApart_andSharedByName() {
        int port = Rig.closedPort();
        try (Rig rig = new Rig();
                RawBackend front = RawBackend.saying("front");
                RawBackend admin = RawBackend.saying("admin")) {
            rig.edge.publish(new Catalog(
                    Map.of(
                            "hello",
                            new CatalogApp("hello", List.of(Rig.running(Rig.ONE, front.port()))),
                            "hello:" + port,
                            new CatalogApp("hello", List.of(Rig.running(Rig.ONE, admin.port()))),
                            "other",
                            new CatalogApp("other", List.of(Rig.running(Rig.TWO, front.port())))),
                    List.of(ListenerSpec.http(port))));
            assertThat(rig.get("hello.localhost", "/").body()).isEqualTo("front");
            try (Rig.RawClient rawClient = dial(port)) {
                assertThat(rawClient.send(GET).reply().body()).isEqualTo("admin");
                Rig.RawClient.Reply other =
                        rawClient.send(GET.replace("hello", "other")).reply();
                assertThat(other.status()).isEqualTo(404);
            }
        }
    }

    @Test
    void answers_getAndLoseTheFieldsThatThePortSays() {
        try (Rig rig = new Rig();
                RawBackend backend = new RawBackend(conn -> {
                    conn.head();
                    conn.write(
                            "HTTP/1.1 200 OK\r\nServer: secret\r\nX-Frame-Options: ALLOW\r\nContent-Length: 0\r\n\r\n");
                })) {
            HttpOptions options = new HttpOptions(
                    false,
                    Map.of("X-Frame-Options", List.of("DENY"), "server", List.of()),
                    true,
                    Optional.empty(),
                    false,
                    Optional.empty(),
                    0);
            rig.edge.publish(new Catalog(Map.of(
                    "hello", new CatalogApp("hello", List.of(Rig.running(Rig.ONE, backend.port())), options))));
            Rig.RawClient.Reply reply = rig.get("hello.localhost", "/");
            assertThat(reply.head())
                    .contains("\r\nx-frame-options: DENY\r\n")
                    .doesNotContain("ALLOW")
                    .doesNotContainIgnoringCase("server:")
                    .doesNotContain("via:");
        }
    }

    @Test
    void tls_endsAtTheEdge_forHttpAndForRawBytes_andPlainRequestsAreSentThere() throws Exception {
        int https = Rig.closedPort();
        int raw = Rig.closedPort();
        SelfSigned own = new SelfSigned(folder.resolve("edge.p12"), "localhost");
        own.ensure();
        assertThat(Files.getPosixFilePermissions(folder.resolve("edge.p12"))).hasSize(2);
        EdgeConfig config = EdgeConfig.at(Rig.loopback(0)).withThreads(2).withHttps(Rig.loopback(https));
        try (SystemTimers timers = new SystemTimers();
                RawBackend web = RawBackend.echo();
                RawBackend greeter = greeter();
                Edge edge = Edge.start(config, new Rig.FakeMachines(), own, new SystemClock(), timers, Rng.seeded(1))) {
            HttpOptions force = new HttpOptions(true, Map.of(), false, Optional.empty(), false, Optional.empty(), 0);
            CatalogApp app = new CatalogApp("hello", List.of(Rig.running(Rig.ONE, web.port())), force);
            edge.publish(new Catalog(
                    Map.of(
                            "hello",
                            app,
                            "hello:443",
                            new CatalogApp("hello", app.backends()),
                            "db:" + raw,
                            new CatalogApp("db", List.of(Rig.running(Rig.TWO, greeter.port())))),
                    List.of(ListenerSpec.https(443), ListenerSpec.raw(raw, true, "db:" + raw))));
            try (Rig.RawClient plain = new Rig.RawClient(edge.address())) {
                Rig.RawClient.Reply moved = plain.send(GET).reply();
                assertThat(moved.status()).isEqualTo(301);
                assertThat(moved.header("location")).isEqualTo("https://hello.localhost:" + https + "/a?b=c");
            }
            try (SSLSocket socket = secure(https)) {
                socket.getOutputStream().write(GET.getBytes(StandardCharsets.US_ASCII));
                String answer = new String(socket.getInputStream().readNBytes(300), StandardCharsets.UTF_8);
                assertThat(answer).startsWith("HTTP/1.1 200 OK").contains("x-forwarded-proto: https");
            }
            try (SSLSocket socket = secure(raw)) {
                assertThat(socket.getInputStream().readNBytes(11)).asString().isEqualTo("220 hello\r\n");
                socket.getOutputStream().write("echo".getBytes(StandardCharsets.US_ASCII));
                assertThat(socket.getInputStream().readNBytes(4)).asString().isEqualTo("echo");
            }
            try (Rig.RawClient garbage = dial(https)) {
                assertThat(garbage.send(GET).closed(Duration.ofSeconds(5))).isTrue();
            }
        }
        Leaks.none();
    }

    @Test
    void portThatAnotherProgramHas_isRefusedByName_andOpenedOnceItIsFree() throws Exception {
        try (Rig rig = new Rig();
                RawBackend backend = greeter()) {
            int port;
            try (ServerSocket taken = new ServerSocket(0, 1, Rig.loopback(0).getAddress())) {
                port = taken.getLocalPort();
                assertThatThrownBy(() -> rig.edge.admit(port))
                        .isInstanceOf(RejectedException.class)
                        .hasMessageContaining("port " + port + " cannot be opened");
                rig.edge.publish(raw(port, false, HttpOptions.USUAL, Rig.running(Rig.ONE, backend.port())));
            }
            rig.edge.admit(port);
            rig.edge.publish(raw(port, false, HttpOptions.USUAL, Rig.running(Rig.ONE, backend.port())));
            rig.edge.admit(port);
            try (Rig.RawClient rawClient = dial(port)) {
                assertThat(rawClient.read(11)).isEqualTo("220 hello\r\n");
            }
        }
    }

    private static SSLSocket secure(int port) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Anyone()}, new SecureRandom());
        Socket plain = new Socket(Rig.loopback(port).getAddress(), port);
        plain.setSoTimeout(10_000);
        return (SSLSocket) context.getSocketFactory().createSocket(plain, "hello.localhost", port, true);
    }

    private static final class Anyone implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {
            assertThat(chain[0].getSubjectX500Principal().getName()).contains("Allod edge localhost");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
