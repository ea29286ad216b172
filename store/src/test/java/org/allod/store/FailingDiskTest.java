package org.allod.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.allod.base.Rng;
import org.allod.powercut.PowerCuts;
import org.allod.powercut.Recording;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk that refuses one flush or write, or all from one on, in a real process; then it is well again, and another process
 * goes on; then the power goes at any moment of all that. Nothing acknowledged is lost, nothing refused is passed over.
 * For longer: {@code ./allod soak failing-disk}.
 */
class FailingDiskTest {
    private static final int ROUNDS = 2;
    private static final int CUTS = 12;

    @TempDir
    Path dir;

    private Recording recording;
    private int faulty;

    /** A healthy process, one with the fault, and a healthy one. */
    private void record(String fault, int writers) throws Exception {
        Path home = Files.createTempDirectory(dir, "recorded");
        Path root = home.resolve("root");
        Path ledger = home.resolve("ledger");
        String data = root.resolve("data").toString();
        String many = String.valueOf(writers);
        var recorder = new Recording.Recorder(root, ledger, home.resolve("trace"));
        assertThat(recorder.run(FailingDiskChild.class, data, ledger.toString(), many, "6"))
                .isZero();
        faulty = recorder.run(List.of(fault), FailingDiskChild.class, data, ledger.toString(), many, "32");
        PowerCuts.whole(recorder.end(), home.resolve("whole"), StorePowerCutTest::check);
        assertThat(recorder.run(FailingDiskChild.class, data, ledger.toString(), many, "12"))
                .as("the process on the disk that is well again")
                .isZero();
        recording = recorder.end();
    }

    private void replay(long seed, int cuts) throws Exception {
        PowerCuts.replay(recording, seed, cuts, StorePowerCutTest::check);
    }

    /** The database's file or its log, not a folder. */
    private List<String> refused() throws Exception {
        return recording.injected().stream()
                .filter(call -> call.contains("t.db"))
                .toList();
    }

    private void endedWithTheReason() throws Exception {
        if (refused().isEmpty()) {
            assertThat(faulty).isIn(0, FailingDiskChild.NOT_OPENED);
        } else {
            assertThat(faulty).as("%s", refused()).isIn(FailingDiskChild.LOST, FailingDiskChild.NOT_OPENED);
        }
    }

    @Test
    void ioErrors_atAnyFlushOrWrite_endTheWriterAndLoseNothing() throws Exception {
        var _ = Campaign.of("failing-disk").play(ROUNDS, seed -> {
            Rng rng = Rng.seeded(seed);
            boolean flush = seed % 2 == 0;
            String calls = flush ? "fsync,fdatasync" : "pwrite64";
            String fault =
                    calls + ":error=EIO:when=" + (1 + rng.nextInt(flush ? 24 : 90)) + (rng.chance(0.5) ? "+" : "");
            record(fault, StorePowerCutChild.WRITERS);
            System.out.printf("failing-disk: %s: exit code %d, %s%n", fault, faulty, refused());
            endedWithTheReason();
            replay(seed, CUTS);
        });
    }

    /** The kernel takes what it could not flush for flushed: what is written behind it must not rest on it. */
    @Test
    void failedFlushOfTheLog_thenAHealthyDisk_isNotBuiltUpon() throws Exception {
        record("fsync,fdatasync:error=EIO:when=16", 1);
        assertThat(refused()).anyMatch(call -> call.endsWith("of data/t.db-wal"));
        assertThat(faulty).isEqualTo(FailingDiskChild.LOST);
        replay(1, 40);
    }

    /** SQLite says nothing when it cannot copy its log: that would go on until the disk is full of it. */
    @Test
    void failedFlushOfTheFile_atACheckpoint_endsTheWriter() throws Exception {
        Path file = dir.resolve("data").resolve("t.db");
        Files.createDirectories(file.getParent());
        Database.open(file, StorePowerCutChild.OPTIONS, List.of(StorePowerCutChild.SCHEMA))
                .close();
        List<String> command =
                new ArrayList<>(List.of("strace", "-f", "-qq", "-o", "/dev/null", "-P", file.toString()));
        command.addAll(List.of("-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=1", "--"));
        Path ledger = dir.resolve("ledger");
        command.addAll(Recording.Recorder.jvm(
                FailingDiskChild.class, dir.resolve("data").toString(), ledger.toString(), "1", "32"));
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isEqualTo(FailingDiskChild.LOST);
        StorePowerCutTest.check(dir, Files.readAllLines(ledger));
    }

    @Test
    void fullDisk_atAWrite_rollsBackAndGoesOn() throws Exception {
        record("pwrite64:error=ENOSPC:when=20+29", 1);
        assertThat(refused()).isNotEmpty();
        assertThat(faulty).isZero();
        replay(1, CUTS);
    }
}
