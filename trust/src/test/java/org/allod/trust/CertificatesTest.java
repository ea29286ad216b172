package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertificatesTest {
    @TempDir
    static Path authorityFolder;

    private static TestAuthority.Issued shop;
    private static TestAuthority.Issued rsa;
    private static TestAuthority.Issued old;

    @TempDir
    Path dir;

    private TrustFolder folder;

    @BeforeAll
    static void issue() throws Exception {
        TestAuthority authority = new TestAuthority(authorityFolder);
        shop = authority.issue("shop", "EC", "dns:shop.example.com,dns:*.shop.example.com", "-1d", 30);
        rsa = authority.issue("rsa", "RSA", "dns:rsa.example.com", "-1d", 30);
        old = authority.issue("old", "EC", "dns:old.example.com", "-9d", 2);
    }

    @BeforeEach
    void open() {
        folder = new TrustFolder(dir);
        folder.time.advance(Duration.between(folder.time.wall(), Instant.now()));
    }

    @AfterEach
    void close() {
        folder.close();
    }

    private Certificates certificates() {
        return folder.trust.certificates();
    }

    private void refused(String host, String chain, String key, String why) {
        assertThatThrownBy(() -> certificates().put("shop", host, chain, key))
                .isInstanceOfSatisfying(RejectedException.class, e -> {
                    assertThat(e.reason()).isEqualTo(RejectedException.Reason.UNSUPPORTED);
                    assertThat(e).hasMessageContaining(why);
                    assertThat(e.hint()).isPresent();
                });
        assertThat(certificates().list("shop")).isEmpty();
    }

    @Test
    void certificate_brought_isKeptWithItsKeySealed() throws Exception {
        certificates().put("shop", "Shop.Example.COM.", shop.chain(), shop.key());
        certificates().put("shop", "www.shop.example.com", shop.chain(), shop.key());
        certificates().put("shop", "*.shop.example.com", shop.chain(), shop.key());
        assertThat(certificates().list("shop"))
                .extracting(Certificates.Custom::host)
                .containsExactly("*.shop.example.com", "shop.example.com", "www.shop.example.com");
        Certificates.Pair pair = certificates().pair("shop.example.com").orElseThrow();
        assertThat(pair.key()).isEqualTo(shop.secret().getEncoded());
        assertThat(pair.chain()).hasSize(2);
        folder.close();
        byte[] secret = shop.secret().getEncoded();
        String tail = new String(
                java.util.Arrays.copyOfRange(secret, secret.length - 20, secret.length),
                java.nio.charset.StandardCharsets.ISO_8859_1);
        for (String name : new String[] {"host.db", "host.db-wal"}) {
            Path file = dir.resolve(name);
            if (java.nio.file.Files.exists(file)) {
                assertThat(java.nio.file.Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1))
                        .doesNotContain(tail);
            }
        }
        folder = new TrustFolder(dir);
        assertThat(certificates().pair("shop.example.com")).isPresent();
    }

    @Test
    void olderFormsOfKeys_areRead() {
        certificates()
                .put(
                        "shop",
                        "rsa.example.com",
                        rsa.chain(),
                        TestAuthority.pem("RSA PRIVATE KEY", TestAuthority.inner(rsa.secret())));
        assertThat(certificates().pair("rsa.example.com").orElseThrow().key())
                .isEqualTo(rsa.secret().getEncoded());
        certificates()
                .put(
                        "shop",
                        "shop.example.com",
                        shop.chain(),
                        TestAuthority.pem("EC PRIVATE KEY", TestAuthority.inner(shop.secret())));
        assertThat(certificates().list("shop")).hasSize(2);
    }

    @Test
    void certificate_thatNobodyWouldBelieve_isRefusedSayingWhy() {
        refused(
                "bank.example.com",
                shop.chain(),
                shop.key(),
                "is for shop.example.com, *.shop.example.com, not for bank");
        refused("a.b.shop.example.com", shop.chain(), shop.key(), "not for a.b.shop.example.com");
        refused("shop.example.com", shop.chain(), rsa.key(), "is not the key of the certificate");
        refused("old.example.com", old.chain(), old.key(), "is valid from");
        refused("shop.example.com", "nonsense", shop.key(), "certificates in PEM");
        refused("shop.example.com", shop.chain(), "nonsense", "not an unencrypted private key");
        String own = shop.chain().substring(0, shop.chain().indexOf("-----END") + 26);
        refused("shop.example.com", own + rsa.chain(), shop.key(), "was not signed by the next");
        refused("not a host", shop.chain(), shop.key(), "it is not a host name");
        refused("localhost", shop.chain(), shop.key(), "it is not a host name");
    }

    @Test
    void hostName_isOneAppsUntilItLetsGo() {
        certificates().put("shop", "shop.example.com", shop.chain(), shop.key());
        assertThatThrownBy(() -> certificates().put("bank", "shop.example.com", shop.chain(), shop.key()))
                .hasMessageContaining("has a certificate of app shop");
        certificates().delete("shop", "shop.example.com");
        assertThat(certificates().pair("shop.example.com")).isEmpty();
        certificates().put("bank", "shop.example.com", shop.chain(), shop.key());
        assertThatThrownBy(() -> certificates().get("bank", "shap.example.com"))
                .isInstanceOfSatisfying(
                        RejectedException.class, e -> assertThat(e.hint()).hasValue("did you mean shop.example.com?"));
    }

    @Test
    void chain_swappedInTheDatabase_doesNotOpenTheKey() {
        certificates().put("shop", "shop.example.com", shop.chain(), shop.key());
        certificates().put("shop", "rsa.example.com", rsa.chain(), rsa.key());
        folder.database.write(tx -> tx.update("UPDATE certificate SET chain = "
                + "(SELECT chain FROM certificate WHERE host = 'rsa.example.com') WHERE host = 'shop.example.com'"));
        assertThatThrownBy(() -> certificates().pair("shop.example.com")).isInstanceOf(FailedException.class);
    }
}
