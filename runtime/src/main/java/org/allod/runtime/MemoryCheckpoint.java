package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.allod.base.FailedException;
import org.allod.linux.DurableFiles;

/**
 * The saved memory of one machine, a file or a folder, in one of four places: {@code saving} while it is written, {@code
 * saved} once it is whole and on disk, {@code loading} while a guest is made of it that does not run yet, {@code resuming}
 * from the moment before its guest goes on.
 *
 * <p>No memory is executed twice: what the guest did since would be on its volumes, and its memory would not know. So
 * {@link #goOn} is durable before the guest executes anything, and from {@code resuming} nothing is ever put back, whatever
 * became of the guest. The names that count are on the disk before what relies on them begins; a name that comes back
 * after a power cut is one that nothing relies on.
 *
 * @param home the folder of the four
 */
record MemoryCheckpoint(Path home) {
    /** Bounded by the slowest disk and the biggest guest we mean to suspend. */
    static final Duration BOUND = Duration.ofMinutes(2);

    /** Being written: half of it is worth nothing. */
    Path saving() {
        return home.resolve("saving");
    }

    /** Whole, and not being used. */
    Path saved() {
        return home.resolve("saved");
    }

    /** Being read by a guest that does not run yet. */
    Path loading() {
        return home.resolve("loading");
    }

    /** Its guest may have gone on: worth nothing to anybody else. */
    Path resuming() {
        return home.resolve("resuming");
    }

    boolean exists() {
        return Files.exists(saved());
    }

    boolean beingLoaded() {
        return Files.exists(loading());
    }

    boolean isResuming() {
        return Files.exists(resuming());
    }

    /** Somebody began to write, and has neither finished nor given up. */
    boolean hasBegun() {
        return Files.exists(saving());
    }

    /** What was written is whole. Once this returns, it is there after a power cut too, and the guest may be ended. */
    void finish() {
        try {
            if (Files.isDirectory(saving(), LinkOption.NOFOLLOW_LINKS)) {
                for (String name : RuntimeResources.names(saving())) {
                    DurableFiles.sync(saving().resolve(name));
                }
            }
            DurableFiles.sync(saving());
            rename(saving(), saved());
            // Up to the folder that all machines have theirs in: they may be as new as what is in them.
            DurableFiles.sync(home);
            DurableFiles.sync(DurableFiles.parent(home));
            DurableFiles.sync(DurableFiles.parent(DurableFiles.parent(home)));
        } catch (IOException e) {
            throw new FailedException("cannot keep the saved memory in " + saving() + ": " + e.getMessage(), e);
        }
    }

    /** An empty folder to write memory to, of which it is known in which life of the host the writing began. */
    Path begin() {
        giveUp();
        RuntimeResources.makePrivate(saving());
        RuntimeResources.write(begunIn(), BootId.current());
        return saving();
    }

    /**
     * Whether the writing began in this life of the host. After a reboot nobody can tell a half from the whole: whoever
     * wrote is gone, and what was not synced may be torn anywhere.
     */
    boolean begunThisBoot() {
        try {
            return Files.readString(begunIn()).equals(BootId.current());
        } catch (IOException e) {
            return false;
        }
    }

    private Path begunIn() {
        return home.resolve("saving-boot");
    }

    void giveUp() {
        RuntimeResources.delete(saving());
        RuntimeResources.delete(begunIn());
    }

    /** Takes it to make a guest of, which does not run before {@link #goOn}. */
    Path load() {
        rename(saved(), loading());
        return loading();
    }

    /** Its guest never ran: another try may help, or its owner drops it. */
    void putBack() {
        if (exists()) {
            RuntimeResources.delete(loading()); // one and the same: a power cut may leave both names of a rename
        } else {
            rename(loading(), saved());
        }
    }

    /** Its guest goes on as soon as this returns, and the memory is never used again, not after a power cut either. */
    Path goOn() {
        removeUsed();
        if (beingLoaded() && exists()) {
            RuntimeResources.delete(loading()); // as in putBack
        }
        rename(beingLoaded() ? loading() : saved(), resuming());
        sync();
        return resuming();
    }

    /**
     * Makes it durable that its guest goes on. For whoever finds it in {@code resuming}: who renamed it may have died
     * before that was on the disk.
     */
    void markDurable() {
        sync();
    }

    /** Nobody reads what a guest went on from any more. */
    void removeUsed() {
        RuntimeResources.delete(resuming());
    }

    /** Every name of it, for good. A guest that boots from clean after this never meets its old memory. */
    void discard() {
        if (isResuming()) {
            sync(); // its old name may still be the one on the disk, and would come back as whole after a power cut
        }
        if (exists() || beingLoaded()) {
            goOn(); // a folder goes file by file, and what is left of it may not pass for saved memory
        }
        RuntimeResources.delete(loading());
        removeUsed();
        giveUp();
    }

    private void sync() {
        try {
            DurableFiles.sync(home);
        } catch (IOException e) {
            throw new FailedException("cannot make the names in " + home + " durable: " + e.getMessage(), e);
        }
    }

    private static void rename(Path from, Path to) {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new FailedException("cannot rename " + from + " to " + to + ": " + e.getMessage(), e);
        }
    }
}
