package org.allod.store;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.allod.base.FailedException;
import org.allod.powercut.Recording;
import org.jspecify.annotations.Nullable;

/**
 * What {@link FailingDiskTest} records: writers as those of {@link StorePowerCutChild}, on a disk that may fail. It ends
 * as a daemon would that is told so, after it has tried to write once more; it never closes the database.
 */
final class FailingDiskChild {
    static final int LOST = 7;
    static final int NOT_OPENED = 8;
    private static final int PASSED_OVER = 9;
    private static final int WRITER_FAILED = 10;
    private static final int NOT_TOLD = 11;

    /** Times that a writer tries again on a full disk. */
    private static final int PATIENCE = 100;

    private FailingDiskChild() {}

    /**
     * Arguments: the data folder, the ledger, how many writers, and how many writes each. One alone writes from a platform
     * thread, so that its flushes are all made by the database's own, in an order that is always the same.
     */
    public static void main(String[] args) throws Exception {
        Path data = Path.of(args[0]);
        Path ledger = Path.of(args[1]);
        Files.createDirectories(data);
        Runtime.getRuntime()
                .halt(run(data.resolve("t.db"), ledger, Integer.parseInt(args[2]), Integer.parseInt(args[3])));
    }

    private static int run(Path file, Path ledger, int count, int each) throws InterruptedException {
        Database db;
        try {
            db = Database.open(file, StorePowerCutChild.OPTIONS, List.of(StorePowerCutChild.SCHEMA));
        } catch (FailedException e) {
            System.err.println("not opened: " + e.getMessage());
            return NOT_OPENED;
        }
        // What is readable is durable, also what the process before could not tell.
        for (int i = 0; i < StorePowerCutChild.WRITERS; i++) {
            int writer = i;
            Recording.acknowledge(ledger, i + " " + db.<Integer>read(tx -> StorePowerCutChild.count(tx, writer)));
        }
        AtomicReference<@Nullable DurabilityLost> told = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> defect = new AtomicReference<>();
        db.whenLost(told::set);
        List<Thread> writers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int writer = i;
            writers.add((count == 1 ? Thread.ofPlatform() : Thread.ofVirtual()).start(() -> {
                try {
                    write(db, ledger, writer, each);
                } catch (DurabilityLost e) {
                    // Told to whoever ends the process as well.
                } catch (RuntimeException | Error e) {
                    defect.set(e);
                }
            }));
        }
        for (Thread writer : writers) {
            writer.join();
        }
        Throwable wrong = defect.get();
        if (wrong != null) {
            System.err.println("a writer failed: " + wrong);
            return WRITER_FAILED;
        }
        return onceMore(db, told.get());
    }

    /** Whatever was lost, nothing is written after it. */
    private static int onceMore(Database db, @Nullable DurabilityLost lost) {
        try {
            db.write(tx -> tx.update("INSERT OR REPLACE INTO tally VALUES (77, 1)"));
            return lost == null ? 0 : PASSED_OVER;
        } catch (FailedException e) {
            return lost == null ? 0 : NOT_TOLD; // a full disk: refused, and rolled back
        } catch (DurabilityLost e) {
            System.err.println("lost: " + e.getMessage());
            // Whoever asks later is told as well.
            AtomicReference<@Nullable DurabilityLost> again = new AtomicReference<>();
            db.whenLost(again::set);
            return again.get() == null ? NOT_TOLD : LOST;
        }
    }

    private static void write(Database db, Path ledger, int writer, int each) {
        int failed = 0;
        for (int i = 0; i < each; i++) {
            try {
                int n = db.write(tx -> {
                    int next = StorePowerCutChild.count(tx, writer) + 1;
                    StorePowerCutChild.apply(tx, writer, next);
                    return next;
                });
                Recording.acknowledge(ledger, writer + " " + n);
            } catch (FailedException e) {
                if (++failed > PATIENCE || !String.valueOf(e.getMessage()).contains("the disk is full")) {
                    throw e;
                }
            }
        }
    }
}
