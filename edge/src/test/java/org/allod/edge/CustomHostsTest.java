package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Apps' custom host names: where requests for them go, and which certificate is shown. */
class CustomHostsTest {
    private static final String OWN = "CN=Allod edge localhost";
    private static final String EXACT = "CN=Allod edge shop.example.com";
    private static final String STAR = "CN=Allod edge example.com";

    @TempDir
    static Path folder;

    private static SelfSigned own;
    private static EdgeCertificates.Identity exact;
    private static EdgeCertificates.Identity star;

    private final SystemTimers timers = new SystemTimers();
    private RawBackend shop;
    private RawBackend other;
    private Edge edge;
    private int https;

    @BeforeAll
    static void issue() {
        own = new SelfSigned(folder.resolve("own.p12"), "localhost");
        own.ensure();
        exact = identity("shop.example.com", 5);
        star = identity("example.com", 825);
    }

    private static EdgeCertificates.Identity identity(String domain, int days) {
        SelfSigned made = new SelfSigned(folder.resolve(domain + days + ".p12"), domain, days);
        made.ensure();
        return made.of("").orElseThrow();
    }

    @BeforeEach
    void start() {
        Leaks.watch();
        https = Rig.closedPort();
        shop = RawBackend.saying("shop");
        other = RawBackend.saying("other");
        EdgeConfig config = EdgeConfig.at(Rig.loopback(0)).withThreads(2).withHttps(Rig.loopback(https));
        edge = Edge.start(config, new Rig.FakeMachines(), own, new SystemClock(), timers, Rng.seeded(1));
        edge.publish(new Catalog(
                Map.of(
                        "shop",
                        new CatalogApp("shop", List.of(Rig.running(Rig.ONE, shop.port()))),
                        "other",
                        new CatalogApp("other", List.of(Rig.running(Rig.TWO, other.port())))),
                List.of(ListenerSpec.https(443))));
    }

    @AfterEach
    void stop() {
        edge.close();
        shop.close();
        other.close();
        timers.close();
        Leaks.none();
    }

    private static CustomHosts.Claim claim(String app, EdgeCertificates.Identity identity) {
        return new CustomHosts.Claim(app, Optional.of(identity));
    }

    private Rig.RawClient.Reply plain(String host) {
        try (Rig.RawClient rawClient = new Rig.RawClient(edge.address())) {
            return rawClient
                    .send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
                    .reply();
        }
    }

    /** Which certificate a client is shown. */
    private String shown(String host) throws Exception {
        try (SSLSocket socket = secure(host)) {
            return subject(socket);
        }
    }

    private static String subject(SSLSocket socket) throws Exception {
        return ((X509Certificate) socket.getSession().getPeerCertificates()[0])
                .getSubjectX500Principal()
                .getName();
    }

    private static String ask(SSLSocket socket, String host) throws Exception {
        socket.getOutputStream()
                .write(("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) socket.getInputStream().read());
        }
        int length = head.indexOf("Content-Length: ") + 16;
        int size = Integer.parseInt(head.substring(length, head.indexOf("\r", length)));
        return new String(socket.getInputStream().readNBytes(size), StandardCharsets.UTF_8);
    }

    @Test
    void names_ofAnApp_leadToIt_byTheVeryNameFirst() {
        edge.hosts(new CustomHosts(Map.of(
                "shop.example.com",
                new CustomHosts.Claim("shop", Optional.empty()),
                "*.example.com",
                claim("other", star))));
        assertThat(plain("shop.example.com").body()).isEqualTo("shop");
        assertThat(plain("Shop.Example.com.:8080").body()).isEqualTo("shop");
        assertThat(plain("www.example.com").body()).isEqualTo("other");
        assertThat(plain("shop.localhost").body()).isEqualTo("shop");
        assertThat(plain("example.com").status()).isEqualTo(404);
        assertThat(plain("a.b.example.com").status()).isEqualTo(404);
        edge.hosts(CustomHosts.NONE);
        assertThat(plain("shop.example.com").header("allod-error")).isEqualTo("unknown-host");
    }

    @Test
    void certificates_comeAndGo_withoutAConnectionNoticing() throws Exception {
        assertThat(shown("shop.example.com")).isEqualTo(OWN);
        edge.hosts(new CustomHosts(
                Map.of("shop.example.com", claim("shop", exact), "*.example.com", claim("other", star))));
        try (SSLSocket open = secure("shop.example.com")) {
            assertThat(subject(open)).isEqualTo(EXACT);
            assertThat(ask(open, "shop.example.com")).isEqualTo("shop");
            assertThat(shown("SHOP.example.com")).isEqualTo(EXACT);
            assertThat(shown("www.example.com")).isEqualTo(STAR);
            assertThat(shown("a.b.example.com")).isEqualTo(OWN);
            assertThat(shown("shop.localhost")).isEqualTo(OWN);
            edge.hosts(new CustomHosts(Map.of("*.example.com", claim("other", star))));
            assertThat(shown("shop.example.com")).isEqualTo(STAR);
            edge.hosts(CustomHosts.NONE);
            assertThat(shown("shop.example.com")).isEqualTo(OWN);
            assertThat(ask(open, "shop.localhost")).isEqualTo("shop");
        }
    }

    @Test
    void certificateThatCannotBeUsed_isPassedOver_andTheDoorStaysOpen() throws Exception {
        KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
        rsa.initialize(2048);
        EdgeCertificates.Identity broken =
                new EdgeCertificates.Identity(rsa.generateKeyPair().getPrivate(), exact.chain());
        edge.hosts(new CustomHosts(Map.of("shop.example.com", claim("shop", broken))));
        assertThat(shown("shop.example.com")).isEqualTo(OWN);
        edge.hosts(new CustomHosts(
                Map.of("shop.example.com", claim("shop", broken), "*.example.com", claim("other", star))));
        assertThat(shown("shop.example.com")).isEqualTo(STAR);
        assertThat(shown("other.localhost")).isEqualTo(OWN);
        try (SSLSocket socket = secure("shop.example.com")) {
            assertThat(ask(socket, "shop.example.com")).isEqualTo("shop");
        }
    }

    @Test
    void expiredCertificate_isShownOnlyWhereNoOtherOfAnAppIs() {
        CustomHosts hosts =
                new CustomHosts(Map.of("shop.example.com", claim("shop", exact), "*.example.com", claim("shop", star)));
        CustomHosts alone = new CustomHosts(Map.of("shop.example.com", claim("shop", exact)));
        EdgeCertificates.Identity mine = own.of("").orElseThrow();
        Instant now = new SystemClock().wall();
        Instant later = now.plus(Duration.ofDays(10));
        assertThat(contexts(hosts).candidates("shop.example.com", now)).containsExactly(exact, star, mine);
        assertThat(contexts(hosts).candidates("shop.example.com", later)).containsExactly(star, exact, mine);
        assertThat(contexts(alone).candidates("shop.example.com", later)).containsExactly(exact, mine);
        assertThat(contexts(alone).candidates("", now)).containsExactly(mine);
    }

    @Test
    void namesUnderTheDomain_areTheApps_whoeverClaimsThem() {
        CustomHosts hosts =
                new CustomHosts(Map.of("shop.localhost", claim("shop", exact), "*.localhost", claim("shop", star)));
        EdgeCertificates.Identity mine = own.of("").orElseThrow();
        Instant now = new SystemClock().wall();
        assertThat(contexts(hosts).candidates("shop.localhost", now)).containsExactly(exact, star, mine);
        assertThat(contexts(hosts).candidates("other.localhost", now)).containsExactly(mine);
        edge.hosts(hosts);
        assertThat(plain("other.localhost").body()).isEqualTo("other");
        assertThat(plain("nobody.localhost").status()).isEqualTo(404);
    }

    @Test
    void identity_printed_isWithoutItsKey() {
        assertThat(exact).hasToString("Identity[" + EXACT + "]");
        assertThat(claim("shop", exact).toString()).doesNotContain("rivate");
    }

    private static SniContexts contexts(CustomHosts hosts) {
        return new SniContexts(own, () -> hosts, "localhost", new SystemClock());
    }

    private SSLSocket secure(String host) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Anyone()}, new SecureRandom());
        Socket plain = new Socket(Rig.loopback(https).getAddress(), https);
        plain.setSoTimeout(10_000);
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, host, https, true);
        socket.startHandshake();
        return socket;
    }

    /** Believes whatever it is shown: the tests look at it. */
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
