package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostKeyTest {
    @TempDir
    Path dir;

    @TempDir
    Path elsewhere;

    private Path file() {
        return dir.resolve("host.key");
    }

    private void withASecret(Path folder) {
        try (TrustFolder open = new TrustFolder(folder)) {
            open.trust.secrets().update("shop", Map.of("A", Optional.of("1")));
        }
    }

    private void refused(String what) {
        assertThatThrownBy(() -> new TrustFolder(dir)).isInstanceOfSatisfying(RejectedException.class, e -> {
            assertThat(e.hint()).isPresent();
            assertThat(e).hasMessageContaining(what).hasMessageContaining(file().toString());
        });
    }

    @Test
    void firstStart_makesAKeyThatOnlyItsOwnerReads() throws Exception {
        new TrustFolder(dir).close();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
                .isEqualTo("rw-------");
        assertThat(Files.readString(file())).matches("allod-host-key-1 [A-Za-z0-9+/=]{44}\n");
    }

    @Test
    void keyMissing_isSaidAndNoneIsMade() throws Exception {
        withASecret(dir);
        Files.delete(file());
        refused("is missing");
        assertThat(file()).doesNotExist();
    }

    @Test
    void keyOfAnotherHost_isSaidAndLeftAlone() throws Exception {
        withASecret(dir);
        withASecret(elsewhere);
        byte[] right = Files.readAllBytes(file());
        byte[] other = Files.readAllBytes(elsewhere.resolve("host.key"));
        Files.write(file(), other);
        refused("is not the one this host's secrets are sealed under");
        assertThat(Files.readAllBytes(file())).isEqualTo(other);
        Files.write(file(), right);
        try (TrustFolder open = new TrustFolder(dir)) {
            assertThat(open.trust.secrets().reveal("shop").values()).isEqualTo(Map.of("A", "1"));
        }
    }

    @Test
    void keyBrokenOrReadableByOthers_isSaid() throws Exception {
        withASecret(dir);
        Files.writeString(file(), "allod-host-key-1 c2hvcnQ=\n");
        refused("is not a host key");
        Files.writeString(file(), "allod-host-key-1 %%%\n");
        refused("is not a host key");
        Files.writeString(file(), "");
        refused("is not a host key");
        Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("rw-r-----"));
        refused("can be read by others than its owner (rw-r-----)");
    }

    @Test
    void lostKey_givenUp_beginsAnewAndVersionsGoOn() throws Exception {
        withASecret(dir);
        Files.delete(file());
        try (TrustFolder open = new TrustFolder(dir, true)) {
            assertThat(open.trust.secrets().list("shop")).isEmpty();
            assertThat(open.trust
                            .secrets()
                            .update("shop", Map.of("A", Optional.of("2")))
                            .version())
                    .isGreaterThan(1);
        }
        try (TrustFolder open = new TrustFolder(dir)) {
            assertThat(open.trust.secrets().reveal("shop").values()).isEqualTo(Map.of("A", "2"));
        }
    }

    @Test
    void keyThatFits_isNeverGivenUp() {
        withASecret(dir);
        try (TrustFolder open = new TrustFolder(dir, true)) {
            assertThat(open.trust.secrets().reveal("shop").values()).isEqualTo(Map.of("A", "1"));
        }
    }

    @Test
    void crashBetweenTheFileAndTheRecord_isTakenUp() throws Exception {
        new TrustFolder(dir).close();
        byte[] made = Files.readAllBytes(file());
        Files.delete(dir.resolve("host.db"));
        try (TrustFolder open = new TrustFolder(dir)) {
            open.trust.secrets().update("shop", Map.of("A", Optional.of("1")));
        }
        assertThat(Files.readAllBytes(file())).isEqualTo(made);
    }
}
