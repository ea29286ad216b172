package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Base64;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.allod.edge.EdgeCertificates;
import org.allod.edge.SelfSigned;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;

/** An app's own certificate, from the API to a guest behind it, and its removal. */
class CustomCertificateTest {
    private static final String HOST = "www.shop.example.com";
    private static final String OWN = "CN=Allod edge localhost";
    private static final String BROUGHT = "CN=Allod edge shop.example.com";
    private static final String CERTIFICATES = "/v1/apps/shop/certificates";

    private int tls;

    /** What a client was shown, and what it was answered. */
    private record Seen(String subject, String answer) {}

    @Test
    void certificate_brought_servesItsHostNameUntilItIsDeleted() throws Exception {
        tls = DaemonProcess.freePort();
        Path folder = Scratch.folder("allod-certificate");
        EdgeCertificates.Identity identity = issue(folder.resolve("issued.p12"));
        try (DaemonProcess daemon = new DaemonProcess(
                        folder.resolve("data"), "--runtime", "gvisor", "--edge-tls", "127.0.0.1:" + tls)
                .start()) {
            TestImage.build(daemon);
            daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\",\"org_slug\":\"personal\"}");
            daemon.ok("POST", "/v1/apps", "{\"name\":\"other\",\"org_slug\":\"personal\"}");
            String id =
                    daemon.ok("POST", "/v1/apps/shop/machines", """
                            {"config":{"image":"web","guest":{"memory_mb":128},"services":[{"internal_port":8080,
                             "ports":[{"port":80,"handlers":["http"]},{"port":443,"handlers":["tls","http"]}]}]}}
                            """).get("id").stringValue();
            daemon.await("shop", id, "started");
            assertThat(seen(HOST).subject).isEqualTo(OWN);
            assertThat(seen(HOST).answer).startsWith("HTTP/1.1 404").contains("unknown-host");
            // Of its own making, by a token: only with the operator's word that the name is the app's.
            for (String app : new String[] {"shop", "other"}) {
                assertThat(bring(daemon, app, HOST, identity, 422, token(daemon, app)))
                        .contains("no authority that is trusted here has signed it");
            }
            daemon.ok("POST", "/v1/apps/shop/host_names", "{\"hostname\":\"" + HOST + "\"}");
            bring(daemon, "shop", HOST, identity, 201, token(daemon, "shop"));
            assertThat(bring(daemon, "other", HOST, identity, 422, token(daemon, "other")))
                    .contains("has a certificate of another app");
            bring(daemon, "shop", "*.shop.example.com", identity, 201);
            Seen served = seen(HOST);
            assertThat(served.subject).isEqualTo(BROUGHT);
            assertThat(served.answer).startsWith("HTTP/1.1 200").endsWith("hello from a guest\n");
            assertThat(seen("a.shop.example.com")).isEqualTo(served);
            assertThat(seen("shop.localhost").subject).isEqualTo(OWN);
            assertThat(bring(daemon, "other", HOST, identity, 422)).contains("has a certificate of app shop");
            assertThat(bring(daemon, "other", "shop.localhost", identity, 422))
                    .contains("names under localhost are the apps' that they begin with");
            daemon.kill();
            daemon.start();
            // The first machine to want TLS opens its port.
            assertThat(seen(HOST)).isEqualTo(served);
            daemon.ok("DELETE", CERTIFICATES + "/" + HOST + "/custom", "");
            assertThat(seen(HOST)).isEqualTo(served); // by the star that is left
            daemon.ok("DELETE", CERTIFICATES + "/*.shop.example.com", "");
            assertThat(seen(HOST).subject).isEqualTo(OWN);
            assertThat(seen(HOST).answer).startsWith("HTTP/1.1 404");
            bring(daemon, "shop", HOST, identity, 201);
            assertThat(seen(HOST)).isEqualTo(served);
            daemon.ok("DELETE", "/v1/apps/shop?force=true", "");
            bring(daemon, "other", HOST, identity, 201);
            String key = Base64.getEncoder().encodeToString(identity.key().getEncoded());
            assertThat(TrustTest.holding(daemon, key.substring(20, 60))).isEmpty();
        }
    }

    private static EdgeCertificates.Identity issue(Path file) {
        SelfSigned made = new SelfSigned(file, "shop.example.com");
        made.ensure();
        return made.of("").orElseThrow();
    }

    private static String token(DaemonProcess daemon, String app) throws IOException {
        return daemon.ok("POST", "/v1/apps/" + app + "/deploy_token", "{}")
                .get("token")
                .stringValue();
    }

    private static String bring(
            DaemonProcess daemon, String app, String host, EdgeCertificates.Identity identity, int status)
            throws Exception {
        return bring(daemon, app, host, identity, status, "");
    }

    /** @param token of an app; empty for the operator's */
    private static String bring(
            DaemonProcess daemon, String app, String host, EdgeCertificates.Identity identity, int status, String token)
            throws Exception {
        var body = DaemonProcess.JSON
                .createObjectNode()
                .put("hostname", host)
                .put("fullchain", pem("CERTIFICATE", identity.chain().getFirst().getEncoded()))
                .put("private_key", pem("PRIVATE KEY", identity.key().getEncoded()));
        String path = "/v1/apps/" + app + "/certificates/custom";
        HttpResponse<String> answer = token.isEmpty()
                ? daemon.call("POST", path, body.toString())
                : asTenant(daemon, token, path, body.toString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        return answer.body();
    }

    private static HttpResponse<String> asTenant(DaemonProcess daemon, String token, String path, String body)
            throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + daemon.api + path))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .header("Authorization", "Bearer " + token)
                .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static String pem(String kind, byte[] der) {
        return "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + kind + "-----\n";
    }

    private Seen seen(String host) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Anyone()}, new SecureRandom());
        Socket plain = connected();
        plain.setSoTimeout(40_000);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, host, tls, true)) {
            String subject = ((X509Certificate) socket.getSession().getPeerCertificates()[0])
                    .getSubjectX500Principal()
                    .getName();
            socket.getOutputStream()
                    .write("GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                            .formatted(host)
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Seen(subject, answer.replaceAll("(?mi)^(fly-request-id|date):.*\\R", ""));
        }
    }

    /** The port opens with the catalog that has a machine on it, just after the machine is up. */
    private Socket connected() throws Exception {
        for (int tries = 0; ; tries++) {
            try {
                return new Socket(InetAddress.getLoopbackAddress(), tls);
            } catch (IOException e) {
                if (tries == 100) {
                    throw e;
                }
                Thread.sleep(50);
            }
        }
    }

    /** Believes whatever it is shown: the test looks at it. */
    private static final class Anyone implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
