package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.allod.base.Failed;
import org.allod.linux.Command;

/**
 * The saved memory of one sandbox, in one of three places: {@code saving} while it is written, {@code saved} once it is
 * whole and on disk, {@code resuming} while a guest is being made of it. A name is changed before what it stands for
 * begins, so a crash leaves it in a place that says how far things were.
 */
record SavedMemory(SandboxFolders folders) {
    /** Bounded by the slowest disk and the biggest guest we mean to suspend. */
    static final Duration BOUND = Duration.ofMinutes(2);

    /** Whole, and not being used. */
    boolean exists() {
        return Files.exists(folders.saved());
    }

    boolean beingResumed() {
        return Files.exists(folders.resuming());
    }

    /** Somebody began to write, and has neither finished nor given up. */
    boolean begun() {
        return Files.exists(folders.saving());
    }

    /** What runsc writes is there, though nobody has said that it is whole. */
    boolean written() {
        try {
            return Files.size(folders.saving().resolve("checkpoint.img")) > 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** An empty folder to write to. */
    Path begin() {
        Premises.delete(folders.saving());
        Premises.make(folders.saving());
        return folders.saving();
    }

    void giveUp() {
        Premises.delete(folders.saving());
    }

    /** What was written is whole: a memory image that a power loss empties would be worse than none. */
    void finish() {
        List<String> line = new ArrayList<>(List.of("sync"));
        Premises.names(folders.saving())
                .forEach(name -> line.add(folders.saving().resolve(name).toString()));
        line.add(folders.saving().toString());
        var _ = Command.of(line).timeout(BOUND).output();
        rename(folders.saving(), folders.saved());
        var _ = Command.of("sync", folders.home().toString()).output();
    }

    /** Takes it to make a guest of; from now on it is not {@link #exists}. */
    Path take() {
        rename(folders.saved(), folders.resuming());
        return folders.resuming();
    }

    /** No guest came of it: another try may help, or its owner drops it. */
    void putBack() {
        rename(folders.resuming(), folders.saved());
    }

    /** The guest runs. */
    void used() {
        Premises.delete(folders.resuming());
    }

    void discard() {
        giveUp();
        Premises.delete(folders.saved());
    }

    private static void rename(Path from, Path to) {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new Failed("cannot rename " + from + " to " + to + ": " + e.getMessage(), e);
        }
    }
}
