package org.allod.fsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.allod.base.Rng;
import org.allod.powercut.PowerCuts;
import org.allod.powercut.Recording;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An engine whose disk refuses a flush or a write: its process ends, as a daemon's would, and the next one, on a disk that
 * is well again, goes on with every acknowledged event, also if the power goes at any moment. For longer: {@code ./allod
 * soak failing-disk-runs}.
 */
class EngineFailingDiskTest {
    private static final int ROUNDS = 2;
    private static final int CUTS = 12;
    /** Which call is refused at the earliest: behind those of the opening, which {@code FailingDiskTest} in store tries. */
    private static final int FIRST = 12;

    /** As {@link EnginePowerCutChild} dies where nothing fails. */
    private static final int NOTHING_FAILED = 9;

    private static final int FATAL = 1;

    @TempDir
    Path dir;

    @Test
    void runs_ofAProcessWhoseDiskFails_goOnWithEveryAcknowledgedEvent() throws Exception {
        var _ = Campaign.of("failing-disk-runs").play(ROUNDS, seed -> {
            Rng rng = Rng.seeded(seed);
            boolean flush = seed % 2 == 0;
            String calls = flush ? "fsync,fdatasync" : "pwrite64";
            String fault =
                    calls + ":error=EIO:when=" + (FIRST + rng.nextInt(flush ? 40 : 300)) + (rng.chance(0.5) ? "+" : "");
            Path home = Files.createTempDirectory(dir, "recorded");
            Path root = home.resolve("root");
            String data = root.resolve("data").toString();
            String ledger = home.resolve("ledger").toString();
            var recorder = new Recording.Recorder(root, Path.of(ledger), home.resolve("trace"));
            assertThat(recorder.run(EnginePowerCutChild.class, data, ledger, "dies"))
                    .isEqualTo(NOTHING_FAILED);
            int faulty = recorder.run(List.of(fault), EnginePowerCutChild.class, data, ledger, "dies");
            List<String> refused = recorder.end().injected().stream()
                    .filter(call -> call.contains("host.db"))
                    .toList();
            System.out.printf("failing-disk-runs: %s: exit code %d, %s%n", fault, faulty, refused);
            if (refused.isEmpty()) {
                assertThat(faulty).isIn(NOTHING_FAILED, FATAL);
            } else {
                assertThat(faulty).as("%s", refused).isEqualTo(FATAL);
            }
            PowerCuts.whole(recorder.end(), home.resolve("whole"), EnginePowerCutTest::check);
            assertThat(recorder.run(EnginePowerCutChild.class, data, ledger, "closes"))
                    .as("the process on the disk that is well again")
                    .isZero();
            PowerCuts.replay(recorder.end(), seed, CUTS, EnginePowerCutTest::check);
        });
    }
}
