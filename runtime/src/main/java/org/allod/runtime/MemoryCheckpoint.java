package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.allod.base.FailedException;
import org.allod.linux.BootId;
import org.allod.linux.DurableFiles;

/**
 * The saved memory of one machine, a file or a folder, under one of four names: {@code saving} while it is written,
 * {@code saved} once it is complete and on disk, {@code loading} while a guest that does not run yet is built from it,
 * {@code resuming} from just before that guest runs.
 *
 * <p>No memory is executed twice: the guest's later writes would be on its volumes, and the old memory would not
 * reflect them. So {@link #goOn} is durable before the guest executes anything, and nothing returns from {@code
 * resuming}, whatever happens to the guest. A name is on disk before anything relies on it; a name that reappears after
 * a power cut is one that nothing relies on.
 *
 * @param home the folder of the four names
 */
record MemoryCheckpoint(Path home) {
    /** The time limit for saving: the slowest disk and the largest guest that is supported. */
    static final Duration BOUND = Duration.ofMinutes(2);

    /** Being written; useless until it is complete. */
    Path saving() {
        return home.resolve("saving");
    }

    /** Complete and unused. */
    Path saved() {
        return home.resolve("saved");
    }

    /** Being read by a guest that does not run yet. */
    Path loading() {
        return home.resolve("loading");
    }

    /** Its guest may have run: must not be used again. */
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

    /** Whether a save was started and neither finished nor abandoned. */
    boolean hasBegun() {
        return Files.exists(saving());
    }

    /** The memory is complete. Once this returns, it survives a power cut, and the guest may be ended. */
    void finish() {
        try {
            if (Files.isDirectory(saving(), LinkOption.NOFOLLOW_LINKS)) {
                for (String name : RuntimeResources.names(saving())) {
                    DurableFiles.sync(saving().resolve(name));
                }
            }
            DurableFiles.sync(saving());
            rename(saving(), saved());
            // Sync up to the parent of all machines' folders: those may be as new as their content.
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

    /** Reserves the memory for a guest, which does not run before {@link #goOn}. */
    Path load() {
        rename(saved(), loading());
        return loading();
    }

    /** The guest never ran: the memory may be used again or discarded. */
    void putBack() {
        if (exists()) {
            RuntimeResources.delete(loading()); // a power cut may leave both names of a rename, which are the same file
        } else {
            rename(loading(), saved());
        }
    }

    /** The guest runs as soon as this returns; the memory is never used again, not even after a power cut. */
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

    /** Deletes the memory under every name. A guest that boots from clean after this never meets its old memory. */
    void discard() {
        if (isResuming()) {
            sync(); // its old name may still be the one on the disk, and would come back as whole after a power cut
        }
        if (exists() || beingLoaded()) {
            goOn(); // a folder is deleted file by file, and a partial one must not pass for saved memory
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
