package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.VirtualTime;
import org.allod.linux.NativeHeap;
import org.allod.observe.PrometheusEndpoint;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.allod.store.Schema;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When a daemon gives memory back, and when it must not. */
class IdleMemoryTest {
    private static final Duration EVERY = Duration.ofMinutes(1);
    private static final long MIB = 1 << 20;
    private static final long IN_USE = 100 * MIB;

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime(Instant.EPOCH);
    private final PlayedMemory memory = new PlayedMemory();
    private final IdleMemoryReleaser releaser = new IdleMemoryReleaser(memory, time, time, EVERY);

    /** A collection frees a part of what is not in use, trimming the rest. */
    private static final class PlayedMemory implements IdleMemoryReleaser.Memory {
        private Duration cpu = Duration.ZERO;
        private long held = 2 * IN_USE;
        private long inUse = IN_USE;
        private int collections;
        private int trims;

        @Override
        public Duration cpu() {
            return cpu;
        }

        @Override
        public long heldBytes() {
            return held;
        }

        @Override
        public void collect() {
            collections++;
            held -= (held - inUse) / 2;
        }

        @Override
        public void trim() {
            trims++;
            held = inUse;
        }
    }

    /** One look, in a minute in which the process worked so long. */
    private void minute(Duration worked) {
        memory.cpu = memory.cpu.plus(worked);
        time.advance(EVERY);
    }

    private void quietMinutes(int count) {
        for (int i = 0; i < count; i++) {
            minute(Duration.ofMillis(300));
        }
    }

    private double metric(String name) {
        Matcher line = Pattern.compile("(?m)^" + name + " ([0-9.E+]+)$")
                .matcher(new PrometheusEndpoint(List.of(releaser)).text());
        assertThat(line.find()).as(name).isTrue();
        return Double.parseDouble(line.group(1));
    }

    @Test
    void storm_onceItIsOver_isGivenBackOnce() {
        releaser.start();
        quietMinutes(1);
        assertThat(memory.collections).as("quiet for one look").isZero();
        quietMinutes(2);
        assertThat(memory.collections).isEqualTo(1);
        assertThat(memory.trims).isEqualTo(1);

        memory.held = 865 * MIB;
        for (int i = 0; i < 10; i++) {
            minute(Duration.ofSeconds(30));
        }
        assertThat(memory.collections).as("under load").isEqualTo(1);
        quietMinutes(3);
        assertThat(memory.collections).isEqualTo(2);
        assertThat(memory.held).isEqualTo(IN_USE);
        quietMinutes(60);

        assertThat(memory.collections).as("for nothing").isEqualTo(2);
        assertThat(metric("allod_memory_releases_total")).isEqualTo(2);
        assertThat(metric("allod_memory_released_bytes_total")).isEqualTo(865 * MIB);
    }

    @Test
    void memoryThatIsInUse_isAskedForOnce() {
        releaser.start();
        quietMinutes(3);
        memory.inUse = 300 * MIB;
        memory.held = 300 * MIB;
        quietMinutes(60);
        assertThat(memory.collections).isEqualTo(2);
    }

    @Test
    void loadNowAndThen_neverQuietForTwoLooks_isNotInterrupted() {
        releaser.start();
        memory.held = 865 * MIB;
        for (int i = 0; i < 60; i++) {
            minute(i % 2 == 0 ? Duration.ofMillis(300) : Duration.ofSeconds(20));
        }
        assertThat(memory.collections).isZero();
    }

    @Test
    void muchWorkThatLeftNoMoreHeld_isFollowedByOneRelease() {
        releaser.start();
        quietMinutes(3);
        for (int i = 0; i < 10; i++) {
            minute(Duration.ofSeconds(10));
        }
        quietMinutes(60);
        assertThat(memory.collections).isEqualTo(2);
    }

    @Test
    void never_wherePeriodIsZero() {
        IdleMemoryReleaser off = new IdleMemoryReleaser(memory, time, time, Duration.ZERO);
        off.start();
        quietMinutes(10);
        assertThat(memory.collections).isZero();
    }

    @Test
    void pagesOfTheDatabase_areGivenBack_andReadAgain() {
        Schema schema = new Schema("notes", List.of(List.of("CREATE TABLE note(text TEXT NOT NULL)")));
        try (Database database = Database.open(folder.resolve("t.db"), DatabaseOptions.defaults(), List.of(schema))) {
            ProcessMemory process = new ProcessMemory(database::releaseMemory);
            assertThat(process.cpu()).isPositive();
            int _ = database.write(tx -> tx.update("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
                    + "WHERE i < 19999) INSERT INTO note SELECT hex(randomblob(800)) FROM n"));
            boolean _ = NativeHeap.trim();
            long before = process.heldBytes();

            process.trim();

            assertThat(before - process.heldBytes()).isGreaterThan(8 * MIB);
            assertThat(database.<Long>read(tx -> tx.first("SELECT count(*) FROM note", row -> row.getLong(1))
                            .orElseThrow()))
                    .isEqualTo(20_000);
        }
    }
}
