package org.allod.powercut;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.allod.base.Rng;

/** Cuts the power at many moments of a recording and has a test look at what a disk could hold then. */
public final class PowerCuts {
    /** What must hold of the folder after a cut. Throws where it does not. */
    @FunctionalInterface
    public interface Check {
        /**
         * @param root the folder, as the recorded one: the check may change it
         * @param acknowledged the lines of the ledger that were written before the cut
         * @param rng for what the check draws
         */
        void check(Path root, List<String> acknowledged, Rng rng) throws Exception;
    }

    private PowerCuts() {}

    /**
     * Tries {@code count} cuts at moments drawn from the seed; the same seed and recording give the same folders.
     *
     * @throws AssertionError at the first cut after which the check throws, naming it
     */
    public static void replay(Recording recording, long seed, int count, Path scratch, Check check) throws IOException {
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
                check.check(root, disk.acknowledged(), rng);
            } catch (Exception | Error e) {
                throw new AssertionError(
                        "cut %d of seed %d, after %d of %d moments, the last %s: %s"
                                .formatted(n, seed, played, recording.length(), last(recording, played), e),
                        e);
            }
            Recording.delete(root);
        }
    }

    /** Half of them anywhere; half where something rarer happens than that the log is written: those are soon missed. */
    private static int[] moments(Recording recording, Rng rng, int count) {
        int[] rare = IntStream.range(0, recording.length())
                .filter(i -> switch (recording.moments().get(i).op()) {
                    case Op.Write(String path, long at, byte[] data) -> !path.endsWith("-wal");
                    case Op.Flush(String path) -> !path.endsWith("-wal");
                    case Op.Acknowledge a -> false;
                    case Op.Make m -> true;
                    case Op.Remove r -> true;
                    case Op.Resize r -> true;
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
        Moment moment = recording.moments().get(played - 1);
        String what = switch (moment.op()) {
            case Op.Write(String path, long at, byte[] data) ->
                "write of " + data.length + " bytes at " + at + " of " + path;
            default -> moment.op().toString();
        };
        return what + (moment.returned() ? ", returned" : ", begun");
    }
}
