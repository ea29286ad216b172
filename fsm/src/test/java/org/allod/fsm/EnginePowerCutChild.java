package org.allod.fsm;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.allod.base.RejectedException;
import org.allod.powercut.Recording;

/**
 * What {@link EnginePowerCutTest} records: an engine that works on runs of several subjects at once, then on one alone, cancels
 * some, and dies in the middle of a transaction while others are under way; or resumes what is there and ends.
 */
final class EnginePowerCutChild {
    private static final int LOOPS = 6;
    private static final int EACH = 8;

    private EnginePowerCutChild() {}

    /** Arguments: the data folder, the ledger, {@code dies} or {@code closes}. */
    public static void main(String[] args) throws Exception {
        Path data = Path.of(args[0]);
        Path ledger = Path.of(args[1]);
        Files.createDirectories(data);
        try (var work = new EnginePowerCutWorkload(
                data.resolve("host.db"),
                EnginePowerCutWorkload.KEPT,
                line -> Recording.acknowledge(ledger, line),
                why -> Runtime.getRuntime().halt(1))) {
            work.engine.resume();
            List<Thread> loops = new ArrayList<>();
            for (int i = 0; i < LOOPS; i++) {
                int loop = i;
                loops.add(Thread.ofVirtual().start(() -> loop(work, ledger, loop, EACH)));
            }
            for (Thread loop : loops) {
                loop.join();
            }
            Thread.ofVirtual().start(() -> loop(work, ledger, 0, 2)).join();
            if (args[2].equals("dies")) {
                for (int i = 0; i < LOOPS; i++) {
                    RunId id = work.engine.start(work.type, "left-" + i, "x");
                    Recording.acknowledge(ledger, "started " + id);
                }
                work.database.write(tx -> {
                    Runtime.getRuntime().halt(9);
                    return 0;
                });
            }
        }
    }

    private static void loop(EnginePowerCutWorkload work, Path ledger, int loop, int times) {
        for (int i = 0; i < times; i++) {
            String subject = "s" + loop + (i % 3 == 0 ? "-fails" : "");
            RunId id;
            try {
                id = work.engine.start(work.type, subject, "request of " + subject);
            } catch (RejectedException e) {
                continue; // what an earlier process left under way is resumed, and still in the way
            }
            Recording.acknowledge(ledger, "started " + id);
            if (i % 4 == 3) {
                cancel(work, ledger, id);
            }
            RunResult result = work.engine.await(id, Duration.ofMinutes(1));
            Recording.acknowledge(ledger, "ended " + id + " " + result.outcome().word());
        }
    }

    private static void cancel(EnginePowerCutWorkload work, Path ledger, RunId id) {
        try {
            work.engine.cancel(id, "planned");
            Recording.acknowledge(ledger, "cancelled " + id);
        } catch (RejectedException tooLate) {
            // It is ending already: as good for what is tested here.
        }
    }
}
