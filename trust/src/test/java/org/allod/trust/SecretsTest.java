package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretsTest {
    @TempDir
    Path dir;

    private TrustFolder folder;
    private Secrets secrets;

    @BeforeEach
    void open() {
        folder = new TrustFolder(dir);
        secrets = folder.trust.secrets();
    }

    @AfterEach
    void close() {
        folder.close();
    }

    private Secrets.Update set(String app, String name, String value) {
        return secrets.update(app, Map.of(name, Optional.of(value)));
    }

    @Test
    void secret_set_isRevealedAndListedWithoutItsValue() {
        Secrets.Update update = set("shop", "DB_PASSWORD", "correct horse");
        assertThat(update.version()).isEqualTo(1);
        assertThat(secrets.reveal("shop").values()).containsExactly(Map.entry("DB_PASSWORD", "correct horse"));
        assertThat(secrets.list("shop").toString()).contains("DB_PASSWORD").doesNotContain("correct");
        assertThat(secrets.reveal("shop").toString()).contains("DB_PASSWORD").doesNotContain("correct");
        assertThat(secrets.reveal("other").values()).isEmpty();
    }

    @Test
    void update_ofMany_isOneVersionAndKeepsWhenEachWasMade() {
        set("shop", "A", "1");
        folder.time.advance(Duration.ofMinutes(1));
        Map<String, Optional<String>> values = new LinkedHashMap<>();
        values.put("A", Optional.of("2"));
        values.put("B", Optional.of("3"));
        values.put("NEVER_SET", Optional.empty());
        assertThat(secrets.update("shop", values).version()).isEqualTo(2);
        Secrets.Secret a = secrets.get("shop", "A");
        assertThat(Duration.between(a.created(), a.updated())).isEqualTo(Duration.ofMinutes(1));
        assertThat(a.version()).isEqualTo(2);
        assertThat(secrets.reveal("shop").values()).isEqualTo(Map.of("A", "2", "B", "3"));
    }

    @Test
    void versions_afterDeletesAndTheAppsEnd_neverGoBack() {
        set("shop", "A", "1");
        assertThat(secrets.delete("shop", "A")).isEqualTo(2);
        assertThat(set("shop", "A", "1").version()).isEqualTo(3);
        folder.database.write(tx -> {
            folder.trust.forget(tx, "shop");
            return 0;
        });
        assertThat(secrets.list("shop")).isEmpty();
        assertThat(set("shop", "A", "1").version()).isGreaterThan(3);
        assertThat(secrets.reveal("shop").values()).isEqualTo(Map.of("A", "1"));
    }

    @Test
    void digest_isTheSameForTheSameValueAndTellsNothingAcrossNamesAndApps() {
        String first = set("shop", "A", "1").secrets().getFirst().digest();
        assertThat(first).matches("[0-9a-f]{16}");
        assertThat(set("shop", "A", "2").secrets().getFirst().digest()).isNotEqualTo(first);
        assertThat(set("shop", "A", "1").secrets().getFirst().digest()).isEqualTo(first);
        assertThat(set("shop", "B", "1").secrets().getFirst().digest()).isNotEqualTo(first);
        assertThat(set("bank", "A", "1").secrets().getFirst().digest()).isNotEqualTo(first);
    }

    @Test
    void values_areNowhereOnDisk() throws Exception {
        set("shop", "A", "planted-0001");
        set("shop", "A", "planted-0002");
        secrets.delete("shop", "A");
        set("shop", "B", "planted-0003");
        assertThat(TrustFolder.holding(dir, "planted-")).isEmpty();
        folder.close();
        assertThat(TrustFolder.holding(dir, "planted-")).isEmpty();
    }

    @Test
    void row_movedToAnotherPlace_doesNotOpen() {
        set("shop", "A", "of shop");
        set("bank", "A", "of bank");
        set("shop", "B", "b of shop");
        byte[] b = folder.database.read(
                tx -> tx.first("SELECT sealed FROM secret WHERE app = 'shop' AND name = 'B'", row -> row.getBytes(1))
                        .orElseThrow());
        folder.database.write(tx -> tx.update("UPDATE secret SET sealed = ? WHERE app = 'shop' AND name = 'A'", b));
        assertThatThrownBy(() -> secrets.reveal("shop"))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("secret A of app shop does not open")
                .hasMessageNotContaining("of bank");
        folder.database.write(tx -> tx.update("UPDATE secret SET sealed = ? WHERE app = 'bank' AND name = 'A'", b));
        assertThatThrownBy(() -> secrets.reveal("bank")).isInstanceOf(FailedException.class);
    }

    @Test
    void oldValue_putBackUnderTheNewVersion_doesNotOpen() {
        set("shop", "A", "old");
        byte[] old = folder.database.read(tx ->
                tx.first("SELECT sealed FROM secret", row -> row.getBytes(1)).orElseThrow());
        set("shop", "A", "new");
        folder.database.write(tx -> tx.update("UPDATE secret SET sealed = ?", old));
        assertThatThrownBy(() -> secrets.reveal("shop")).isInstanceOf(FailedException.class);
        set("shop", "A", "set again");
        assertThat(secrets.reveal("shop").values()).isEqualTo(Map.of("A", "set again"));
    }

    @Test
    void badInput_saysWhatWithoutTheValue_andChangesNothing() {
        set("shop", "GOOD", "1");
        assertThatThrownBy(() -> set("shop", "9X", "hunter2"))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("\"9X\"")
                .hasMessageNotContaining("hunter2");
        assertThatThrownBy(() -> set("shop", "X=Y", "hunter2")).hasMessageNotContaining("hunter2");
        assertThatThrownBy(() -> set("shop", "X", "hunter2\0")).hasMessageContaining("NUL");
        assertThatThrownBy(() -> set("shop", "X", "hunter2\ud800")).hasMessageContaining("unpaired surrogate");
        assertThatThrownBy(() -> set("shop", "X", "x".repeat(Secrets.MAX_VALUE + 1)))
                .hasMessageContaining("65537 bytes: one may have 65536");
        Map<String, Optional<String>> many = new LinkedHashMap<>();
        IntStream.range(0, Secrets.MAX_COUNT).forEach(i -> many.put("N" + i, Optional.of("v")));
        assertThatThrownBy(() -> secrets.update("shop", many)).hasMessageContaining("501 secrets");
        assertThatThrownBy(() -> secrets.delete("shop", "GOD"))
                .isInstanceOfSatisfying(
                        RejectedException.class, e -> assertThat(e.hint()).hasValue("did you mean GOOD?"));
        assertThat(secrets.version("shop")).isEqualTo(1);
        assertThat(secrets.reveal("shop").values()).isEqualTo(Map.of("GOOD", "1"));
    }

    @Test
    void updates_fromManyThreads_eachTakeAVersionOfTheirOwn() throws Exception {
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            var versions = IntStream.range(0, 64)
                    .mapToObj(i ->
                            pool.submit(() -> set("shop", "N" + i % 8, "v" + i).version()))
                    .toList();
            var seen = new java.util.TreeSet<Long>();
            for (var version : versions) {
                seen.add(version.get());
            }
            assertThat(seen).hasSize(64);
        }
        assertThat(secrets.version("shop")).isEqualTo(64);
        assertThat(secrets.list("shop")).hasSize(8);
    }

    @Test
    void secrets_afterReopening_areThere() {
        set("shop", "A", "kept");
        folder.close();
        folder = new TrustFolder(dir);
        assertThat(folder.trust.secrets().reveal("shop").values()).isEqualTo(Map.of("A", "kept"));
    }
}
