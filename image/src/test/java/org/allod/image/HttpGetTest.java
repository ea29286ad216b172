package org.allod.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpGetTest {
    private static final PolicedConnector ANYWHERE =
            new PolicedConnector((host, port, address) -> true, host -> List.of(InetAddress.getByName("127.0.0.1")));

    private final SystemTimers timers = new SystemTimers();

    @AfterEach
    void close() {
        timers.close();
    }

    /** The body of an answer that is sent as it is, and the connection closed behind it. */
    private byte[] answered(String text) throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                try (Socket client = server.accept()) {
                    client.getOutputStream().write(text.getBytes(ISO_8859_1));
                    client.shutdownOutput();
                    client.getInputStream().readAllBytes();
                } catch (IOException e) {
                    // The client has seen enough.
                }
            });
            URI uri = URI.create("http://registry.test:" + server.getLocalPort() + "/v2/a?b=c");
            try (HttpGet.Answer answer = new HttpGet(ANYWHERE, timers).send(uri, Map.of("Accept", "*/*"))) {
                assertThat(answer.status()).isEqualTo(200);
                return answer.body().readAllBytes();
            }
        }
    }

    @Test
    void bodies_areAsLongAsTheirFramingSays() throws Exception {
        String ok = "HTTP/1.1 200 OK\r\n";
        assertThat(answered(ok + "Content-Length: 3\r\n\r\nabcdef")).asString().isEqualTo("abc");
        assertThat(answered(ok + "Content-Length: 0\r\n\r\nabc")).isEmpty();
        assertThat(answered(ok + "\r\nto the end")).asString().isEqualTo("to the end");
        assertThat(answered("HTTP/1.1 100 Continue\r\n\r\n" + ok + "content-length: 1\r\n\r\nx"))
                .hasSize(1);
        assertThat(answered(ok + "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"))
                .asString()
                .isEqualTo("abc0123456789");
    }

    @Test
    void answers_thatAreCutOrUnreadable_areErrors() {
        String ok = "HTTP/1.1 200 OK\r\n";
        assertThatThrownBy(() -> answered("")).isInstanceOf(EOFException.class);
        assertThatThrownBy(() -> answered("SSH-2.0-OpenSSH\r\n")).isInstanceOf(ProtocolException.class);
        assertThatThrownBy(() -> answered(ok + "Content-Length: 5\r\n\r\nabc")).isInstanceOf(EOFException.class);
        assertThatThrownBy(() -> answered(ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"))
                .isInstanceOf(ProtocolException.class);
        assertThatThrownBy(() -> answered(ok + "Transfer-Encoding: gzip\r\n\r\nab"))
                .isInstanceOf(ProtocolException.class);
        assertThatThrownBy(() -> answered(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"))
                .isInstanceOf(EOFException.class);
        assertThatThrownBy(() -> answered(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"))
                .isInstanceOf(ProtocolException.class);
        assertThatThrownBy(() -> answered(ok + ("X: " + "y".repeat(1000) + "\r\n").repeat(100)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("longer than");
    }

    @Test
    void tls_isSpokenOnlyWithWhoProvesTheName(@TempDir Path folder) throws Exception {
        Path store = folder.resolve("store.p12");
        MountedImage.run(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "a",
                "-keyalg",
                "EC",
                "-dname",
                "CN=registry.test",
                "-ext",
                "san=dns:registry.test",
                "-keystore",
                store.toString(),
                "-storepass",
                "password");
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, "password".toCharArray());
        }
        KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
        own.init(keys, "password".toCharArray());
        KeyStore roots = KeyStore.getInstance("PKCS12");
        roots.load(null, null);
        roots.setCertificateEntry("a", keys.getCertificate("a"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(roots);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 100_000);
            exchange.getResponseBody().write(new byte[100_000]);
            exchange.close();
        });
        server.start();
        try {
            int port = server.getAddress().getPort();
            HttpGet trusting = new HttpGet(ANYWHERE, timers, context.getSocketFactory());
            try (HttpGet.Answer answer = trusting.send(URI.create("https://registry.test:" + port + "/a"), Map.of())) {
                assertThat(answer.body().readAllBytes()).hasSize(100_000);
            }
            assertThatThrownBy(() -> trusting.send(URI.create("https://other.test:" + port + "/a"), Map.of()))
                    .isInstanceOf(SSLException.class);
            HttpGet usual = new HttpGet(ANYWHERE, timers, (SSLSocketFactory) SSLSocketFactory.getDefault());
            assertThatThrownBy(() -> usual.send(URI.create("https://registry.test:" + port + "/a"), Map.of()))
                    .isInstanceOf(SSLException.class);
        } finally {
            server.stop(0);
        }
    }
}
