package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who owns a host name, between apps' tokens that upload certificates for it and the operator. */
class HostNameProofTest {
    private static final String HOST = "shop.example.com";

    @TempDir
    static Path shared;

    /** Of an authority that is trusted here, and of one that anybody could have made. */
    private static TestAuthority.Issued trusted;

    private static TestAuthority.Issued other;
    private static TestAuthority.Issued forged;
    private static Path roots;

    @TempDir
    Path dir;

    private TrustFolder folder;
    private Certificates certificates;

    @BeforeAll
    static void issue() throws Exception {
        TestAuthority authority = new TestAuthority(Files.createDirectory(shared.resolve("trusted")));
        TestAuthority nobody = new TestAuthority(Files.createDirectory(shared.resolve("nobody")));
        trusted = authority.issue("a", "EC", "dns:" + HOST, "-1d", 30);
        other = authority.issue("b", "EC", "dns:" + HOST, "-1d", 60);
        forged = nobody.issue("c", "EC", "dns:" + HOST, "-1d", 60);
        String chain = trusted.chain();
        roots = Files.writeString(
                shared.resolve("roots.pem"), chain.substring(chain.lastIndexOf("-----BEGIN CERTIFICATE")));
    }

    @BeforeEach
    void open() {
        folder = new TrustFolder(dir, false, Optional.of(roots));
        folder.time.advance(Duration.between(folder.time.wall(), Instant.now()));
        certificates = folder.trust.certificates();
    }

    @AfterEach
    void close() {
        folder.close();
    }

    private void tenant(String app, TestAuthority.Issued brought) {
        certificates.put(app, HOST, brought.chain(), brought.key(), true);
    }

    private void refused(String app, TestAuthority.Issued brought, String why) {
        assertThatThrownBy(() -> tenant(app, brought))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.UNSUPPORTED))
                .hasMessageContaining(why);
    }

    @Test
    void token_withACertificateOfItsOwnMaking_getsNoName() {
        refused("thief", forged, "no authority that is trusted here has signed it");
        assertThat(certificates.owner(HOST)).isEmpty();
        tenant("shop", trusted);
        refused("thief", forged, "has a certificate of another app");
        refused("thief", other, "has a certificate of another app");
        assertThat(certificates.owner(HOST)).hasValue("shop");
    }

    @Test
    void name_thatWasSquatted_isTakenBackByWhoProvesIt_andTheLoserIsTold() {
        // As it was kept before proofs were asked for.
        certificates.put("thief", HOST, forged.chain(), forged.key());
        folder.database.write(tx -> tx.update("UPDATE certificate SET proof = 0"));
        java.util.List<String> told = new java.util.ArrayList<>();
        certificates.watch(new Certificates.Watcher() {
            @Override
            public void changed(String host) {
                told.add(host);
            }
        });
        tenant("shop", trusted);
        assertThat(certificates.owner(HOST)).hasValue("shop");
        assertThat(certificates.pair(HOST).orElseThrow().key())
                .isEqualTo(trusted.secret().getEncoded());
        assertThat(certificates.list("thief")).isEmpty();
        assertThat(folder.trust.names().losses("thief"))
                .extracting(NameAssignments.Loss::host)
                .containsExactly(HOST);
        assertThat(told).containsExactly(HOST);
        refused("thief", forged, "has a certificate of another app");
    }

    @Test
    void chain_thatHasExpired_provesNothingAnyMore() {
        tenant("shop", trusted);
        folder.time.advance(Duration.ofDays(40));
        tenant("bought", other);
        assertThat(certificates.owner(HOST)).hasValue("bought");
    }

    @Test
    void operatorsWord_isStrongerThanAnyCertificate_untilItIsTakenBack() {
        tenant("bought", other);
        folder.trust.names().assign("shop", "Shop.Example.com.");
        assertThat(certificates.owner(HOST)).isEmpty();
        assertThat(folder.trust.names().losses("bought")).hasSize(1);
        refused("bought", other, "to which the operator has given the name");
        tenant("shop", forged);
        assertThat(certificates.owner(HOST)).hasValue("shop");
        assertThatThrownBy(() -> folder.trust.names().assign("bought", HOST))
                .hasMessageContaining("was given to app shop");
        folder.trust.names().withdraw("shop", HOST);
        assertThat(folder.trust.names().list("shop")).isEmpty();
        assertThat(certificates.owner(HOST)).hasValue("shop"); // until somebody proves better
        tenant("bought", other);
        assertThat(certificates.owner(HOST)).hasValue("bought");
        assertThat(folder.trust.names().losses("bought")).isEmpty();
    }

    @Test
    void whatTheOperatorBrought_mayBeRenewedByTheAppsToken() {
        certificates.put("shop", HOST, forged.chain(), forged.key());
        tenant("shop", forged);
        refused("bought", other, "has a certificate of another app");
    }
}
