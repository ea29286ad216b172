package org.allod.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log has its space before the first write, whatever the database was before, and keeps what it held. */
class WalPreallocatorTest {
    private static final Schema NOTES =
            new Schema("notes", List.of(List.of("CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT)")));
    private static final long SPACE =
            (4096 + 32) * (long) DatabaseOptions.defaults().checkpointPages();

    @TempDir
    Path dir;

    private static Database open(Path file) {
        return Database.open(file, DatabaseOptions.defaults(), List.of(NOTES));
    }

    private static void insert(Database db, int rows) {
        for (int i = 0; i < rows; i++) {
            int n = i;
            db.write(tx -> tx.update("INSERT INTO note(text) VALUES (?)", "n" + n));
        }
    }

    private static long count(Database db) {
        return db.read(tx ->
                tx.first("SELECT count(*) FROM note", row -> row.getLong(1)).orElseThrow());
    }

    @Test
    void log_ofNewDatabase_hasItsSpaceAndDoesNotGrow() throws IOException {
        Path file = dir.resolve("t.db");
        try (Database db = open(file)) {
            assertThat(WalPreallocator.log(file)).hasSize(SPACE);
            insert(db, 50);
            assertThat(WalPreallocator.log(file)).hasSize(SPACE);
        }
    }

    @Test
    void log_afterCleanClose_hasItsSpaceAgain() throws IOException {
        Path file = dir.resolve("t.db");
        try (Database db = open(file)) {
            insert(db, 5);
        }
        try (Database db = open(file)) {
            assertThat(WalPreallocator.log(file)).hasSize(SPACE);
            insert(db, 5);
            assertThat(count(db)).isEqualTo(10);
        }
    }

    @Test
    void log_ofKilledProcess_keepsItsCommitsAndGetsTheRest() throws IOException {
        Path file = dir.resolve("t.db");
        Path copy = dir.resolve("killed.db");
        try (Database db = open(file)) {
            insert(db, 20);
            Files.copy(file, copy);
            Files.copy(WalPreallocator.log(file), WalPreallocator.log(copy));
        }
        // As an older program left it: a log that ends behind its last commit, in the middle of a frame.
        try (FileChannel log = FileChannel.open(WalPreallocator.log(copy), StandardOpenOption.WRITE)) {
            log.truncate(60 * 4120 + 1000);
        }
        try (Database db = open(copy)) {
            assertThat(count(db)).isEqualTo(20);
            assertThat(WalPreallocator.log(copy)).hasSize(SPACE);
            insert(db, 5);
            assertThat(count(db)).isEqualTo(25);
        }
    }
}
