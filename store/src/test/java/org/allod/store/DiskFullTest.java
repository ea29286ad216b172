package org.allod.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.allod.base.FailedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real full disk: a small file system in memory, which needs root. */
class DiskFullTest {
    private static final Schema BLOBS = new Schema("blobs", List.of(List.of("CREATE TABLE blob(x BLOB)")));
    private static final DatabaseOptions SMALL = new DatabaseOptions(64, 16, 1, 100);

    @TempDir
    Path dir;

    @BeforeEach
    void mount() throws Exception {
        run("mount", "-t", "tmpfs", "-o", "size=2m", "allod-test", dir.toString());
    }

    @AfterEach
    void unmount() throws Exception {
        run("umount", dir.toString());
    }

    private static void run(String... command) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    @Test
    void write_diskFull_failsClearlyAndWorksAgainWithSpace() throws IOException {
        Path file = dir.resolve("t.db");
        try (Database db = Database.open(file, SMALL, List.of(BLOBS))) {
            int written = 0;
            FailedException failed = null;
            while (failed == null && written < 1000) {
                try {
                    db.write(tx -> tx.update("INSERT INTO blob VALUES (randomblob(30000))"));
                    written++;
                } catch (FailedException e) {
                    failed = e;
                }
            }
            assertThat(failed).hasMessageContainingAll("t.db", "the disk is full");
            long kept = written;
            assertThat(count(db)).isEqualTo(kept);

            run("mount", "-o", "remount,size=8m", dir.toString());
            db.write(tx -> tx.update("INSERT INTO blob VALUES (randomblob(30000))"));
            assertThat(count(db)).isEqualTo(kept + 1);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void open_diskFull_saysSoAndWorksOnceThereIsSpace() throws IOException {
        Files.write(dir.resolve("ballast"), new byte[(2 << 20) - 8192]);

        assertThatThrownBy(() -> Database.open(dir.resolve("t.db"), SMALL, List.of(BLOBS)))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("the disk is full");
        Files.delete(dir.resolve("ballast"));
        try (Database db = Database.open(dir.resolve("t.db"), SMALL, List.of(BLOBS))) {
            assertThat(count(db)).isZero();
        }
    }

    private static long count(Database db) {
        return db.read(
                tx -> tx.first("SELECT count(*) FROM blob", r -> r.getLong(1)).orElseThrow());
    }
}
