package org.allod.powercut;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.IntStream;
import org.allod.base.Rng;
import org.allod.soak.Campaign;

/** Cuts the power at many points of a recording, and lets a test open what a disk could hold then. */
public final class PowerCuts {
    /** What must hold of the folder after a cut. Throws where it does not. */
    @FunctionalInterface
    public interface Check {
        /**
         * @param root the folder, as the recorded one: the check may change it
         * @param acknowledged the lines of the ledger that were written before the cut
         */
        void check(Path root, List<String> acknowledged) throws Exception;
    }

    /** Makes a recording. */
    @FunctionalInterface
    public interface Recorded {
        Recording record() throws Exception;
    }

    private PowerCuts() {}

    /**
     * What a test calls: on the recording that {@code -Dallod.recording} names, or on new ones, one a round of the
     * campaign. A failure keeps the recording in {@code target}, because no seed makes the same one again, and says the
     * command that does the same once more.
     *
     * @param name as {@code ./allod soak} knows the test
     * @param cuts in each recording
     */
    public static void test(String name, int cuts, Recorded recorded, Check check) {
        String kept = System.getProperty("allod.recording");
        var _ = Campaign.of(name).play(1, seed -> {
            Recording recording = kept == null ? recorded.record() : Recording.read(Path.of(kept));
            System.out.printf("%s: %d power cuts at %d moments, seed %d%n", name, cuts, recording.length(), seed);
            try {
                replay(recording, seed, cuts, check);
            } catch (AssertionError e) {
                Path copy = Path.of("target", "powercut-" + seed + ".trace").toAbsolutePath();
                Files.copy(recording.file(), copy, StandardCopyOption.REPLACE_EXISTING);
                throw new AssertionError(
                        e.getMessage()
                                + "\nagain, with the same recording: ./allod soak %s --seed %d -Dallod.recording=%s"
                                        .formatted(name, seed, copy),
                        e);
            }
        });
    }

    /** Has a test look at the folder as it is at the end, while there is power, in a copy. */
    public static void whole(Recording recording, Path copy, Check check) throws Exception {
        Disk disk = new Disk();
        recording.moments().forEach(disk::play);
        disk.whole(copy);
        check.check(copy, disk.acknowledged());
    }

    /**
     * Tries {@code count} cuts at moments drawn from the seed; the same seed and recording give the same folders. They
     * are made in memory where there is a file system for that: what a disk kept is decided already.
     *
     * @throws AssertionError at the first cut after which the check throws, naming it
     */
    public static void replay(Recording recording, long seed, int count, Check check) throws IOException {
        Path memory = Path.of("/dev/shm");
        Path scratch = Files.isWritable(memory)
                ? Files.createTempDirectory(memory, "powercut-")
                : Files.createTempDirectory("powercut-");
        try {
            replay(recording, seed, count, check, scratch);
        } finally {
            Recording.delete(scratch);
        }
    }

    private static void replay(Recording recording, long seed, int count, Check check, Path scratch)
            throws IOException {
        int[] moments = moments(recording, Rng.seeded(seed), count);
        Disk disk = new Disk();
        int played = 0;
        for (int n = 0; n < count; n++) {
            while (played < moments[n]) {
                disk.play(recording.moments().get(played++));
            }
            Rng rng = Rng.seeded(seed).fork("cut " + n);
            Path root = scratch.resolve("cut-" + n);
            disk.cut(root, rng);
            try {
                check.check(root, disk.acknowledged());
            } catch (Exception | Error e) {
                throw new AssertionError(
                        "cut %d of seed %d, after %d of %d moments, the last %s: %s"
                                .formatted(n, seed, played, recording.length(), last(recording, played), e),
                        e);
            }
            Recording.delete(root);
        }
    }

    /**
     * Half of them anywhere; half where something rarer happens than that the log is written: those are soon missed.
     */
    private static int[] moments(Recording recording, Rng rng, int count) {
        int[] rare = IntStream.range(0, recording.length())
                .filter(i -> switch (recording.moments().get(i).op()) {
                    case DiskOperation.Write(String path, long at, byte[] data) -> !path.endsWith("-wal");
                    case DiskOperation.Flush(String path) -> !path.endsWith("-wal");
                    case DiskOperation.FailedFlush f -> true;
                    case DiskOperation.Acknowledge a -> false;
                    case DiskOperation.Make m -> true;
                    case DiskOperation.Remove r -> true;
                    case DiskOperation.Rename r -> true;
                    case DiskOperation.Resize r -> true;
                })
                .toArray();
        return IntStream.range(0, count)
                .map(i -> i % 2 == 0 || rare.length == 0
                        ? rng.nextInt(recording.length() + 1)
                        : rare[rng.nextInt(rare.length)] + rng.nextInt(2))
                .sorted()
                .toArray();
    }

    private static String last(Recording recording, int played) {
        if (played == 0) {
            return "none";
        }
        CutPoint moment = recording.moments().get(played - 1);
        String what = switch (moment.op()) {
            case DiskOperation.Write(String path, long at, byte[] data) ->
                "write of " + data.length + " bytes at " + at + " of " + path;
            default -> moment.op().toString();
        };
        return what + (moment.returned() ? ", returned" : ", begun");
    }
}
