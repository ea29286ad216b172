package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import org.allod.base.FailedException;

/**
 * Deletes a folder with everything in it, even if an attacker has shaped it. It works by descriptors and never by
 * paths, so that no link leads elsewhere and no path is too long. It uses a bounded number of descriptors and no
 * recursion, however deeply folders are nested. It never crosses a mount point, whose content belongs to something
 * else.
 *
 * <p>A folder more than {@link #DEPTH} levels down is not entered but moved to the top of the tree, for the next round:
 * {@code d} levels take {@code d / DEPTH} rounds. What cannot be deleted is skipped, so that as much as possible is
 * deleted, and is named at the end.
 */
public final class TreeDeleter {
    /** How many levels are open at the same time. */
    private static final int DEPTH = 32;

    /** After this many rounds, or readings of one folder, something must be creating entries as fast as they go. */
    private static final int ROUNDS = 100_000;

    private static final int LOOKS = 64;

    private static final int BUFFER = 32768;
    private static final int LONGEST_NAME = 256;
    private static final int SHOWN = 60;

    /** In {@code struct linux_dirent64}: the length of the entry, and its name. */
    private static final int LENGTH = 16;

    private static final int NAME = 19;

    /** An open folder, its name in its parent, and its entries that are read but not handled yet. */
    private static final class Level {
        final int fd;
        final byte[] name;
        final MemorySegment entries;
        int read;
        int at;
        boolean deleted;
        int looks;

        Level(int fd, byte[] name, MemorySegment entries) {
            this.fd = fd;
            this.name = name;
            this.entries = entries;
        }
    }

    private final Arena arena;
    private final MemorySegment name;
    private final MemorySegment moved;
    private final MemorySegment how;
    private final Deque<MemorySegment> buffers = new ArrayDeque<>();
    private int fresh;
    private int left;
    private String first = "";

    private TreeDeleter(Arena arena) {
        this.arena = arena;
        this.name = arena.allocate(LONGEST_NAME);
        this.moved = arena.allocate(LONGEST_NAME);
        this.how = LibcFiles.openHow(arena);
    }

    /**
     * Deletes what is at {@code path}, whose parent folder is trusted. A missing path is no error.
     *
     * @throws FailedException naming what is left, once everything else is deleted
     */
    public static void delete(Path path) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (Thread.currentThread().isVirtual()) {
            boolean _ = PlatformThreads.call("delete-tree", () -> deleteHere(path));
        } else {
            boolean _ = deleteHere(path);
        }
    }

    private static boolean deleteHere(Path path) {
        Path parent = DurableFiles.parent(path);
        int folder = Libc.open(parent.toString(), Libc.O_RDONLY);
        if (folder < 0) {
            throw new FailedException("cannot open the folder " + parent + ": " + Libc.error(-folder));
        }
        try (Arena arena = Arena.ofConfined()) {
            TreeDeleter deleter = new TreeDeleter(arena);
            deleter.remove(folder, bytes(path));
            if (deleter.left > 0) {
                throw new FailedException("cannot delete " + path + ": " + deleter.left
                        + (deleter.left == 1 ? " entry is" : " entries are") + " left, " + deleter.first);
            }
            return true;
        } finally {
            int _ = Libc.close(folder);
        }
    }

    /** The last name of the path, which the caller chose. */
    private static byte[] bytes(Path path) {
        return path.toAbsolutePath().getFileName().toString().getBytes(StandardCharsets.UTF_8);
    }

    private void remove(int parent, byte[] top) {
        int result = LibcFiles.unlink(parent, named(top));
        if (gone(result)) {
            return;
        }
        int fd = result == -LibcFiles.EISDIR ? LibcFiles.openFolder(how, parent, named(top)) : result;
        if (fd < 0) {
            keep(top, fd);
            return;
        }
        try {
            int round = 0;
            while (empty(fd) && round < ROUNDS) {
                round++;
            }
        } finally {
            int _ = Libc.close(fd);
        }
        int removed = LibcFiles.removeFolder(parent, named(top));
        if (!gone(removed) && left == 0) {
            keep(top, removed);
        }
    }

    /** One round over everything in the top folder; returns whether folders were moved up for the next one. */
    private boolean empty(int top) {
        boolean again = false;
        Deque<Level> open = new ArrayDeque<>();
        LibcFiles.rewind(top);
        open.push(new Level(top, new byte[0], buffer()));
        left = 0;
        first = "";
        try {
            while (!open.isEmpty()) {
                Level level = open.element();
                byte[] entry = next(level);
                if (entry.length == 0) {
                    leave(open);
                    continue;
                }
                int result = LibcFiles.unlink(level.fd, named(entry));
                if (gone(result)) {
                    level.deleted = true;
                } else if (result != -LibcFiles.EISDIR) {
                    keep(entry, result);
                } else if (open.size() < DEPTH) {
                    enter(open, entry);
                } else {
                    again |= moveUp(level, top, entry);
                }
            }
            return again;
        } finally {
            open.forEach(level -> {
                if (level.fd != top) {
                    int _ = Libc.close(level.fd);
                }
            });
        }
    }

    private void enter(Deque<Level> open, byte[] entry) {
        int fd = LibcFiles.openFolder(how, open.element().fd, named(entry));
        if (fd < 0) {
            if (!gone(fd)) {
                keep(entry, fd);
            }
            return;
        }
        open.push(new Level(fd, entry, buffer()));
    }

    /** Handles the end of a folder: reads it again if entries were deleted, which may hide others; else deletes it. */
    private void leave(Deque<Level> open) {
        Level level = open.element();
        if (level.deleted && level.looks < LOOKS) {
            level.deleted = false;
            level.looks++;
            LibcFiles.rewind(level.fd);
            return;
        }
        open.pop();
        buffers.push(level.entries);
        if (open.isEmpty()) {
            return;
        }
        int _ = Libc.close(level.fd);
        int result = LibcFiles.removeFolder(open.element().fd, named(level.name));
        if (gone(result)) {
            open.element().deleted = true;
        } else if (result != -LibcFiles.ENOTEMPTY) {
            keep(level.name, result);
        } else if (left == 0) {
            keep(level.name, result); // somebody is still writing to it
        }
    }

    private boolean moveUp(Level level, int top, byte[] entry) {
        while (true) {
            byte[] name = (".moved-" + fresh++).getBytes(StandardCharsets.US_ASCII);
            int result = LibcFiles.rename(level.fd, named(entry), top, into(moved, name));
            if (result == 0) {
                level.deleted = true;
                return true;
            }
            if (result != -LibcFiles.EEXIST) {
                keep(entry, result);
                return false;
            }
        }
    }

    /** The next entry's name; empty at the end. */
    private byte[] next(Level level) {
        while (true) {
            if (level.at >= level.read) {
                level.read = LibcFiles.entries(level.fd, level.entries);
                level.at = 0;
                if (level.read <= 0) {
                    if (level.read < 0) {
                        keep(level.name, level.read);
                        level.read = 0;
                    }
                    return new byte[0];
                }
            }
            int begin = level.at;
            level.at += Short.toUnsignedInt(level.entries.get(ValueLayout.JAVA_SHORT_UNALIGNED, begin + LENGTH));
            int end = begin + NAME;
            while (level.entries.get(ValueLayout.JAVA_BYTE, end) != 0) {
                end++;
            }
            byte[] entry =
                    level.entries.asSlice(begin + NAME, end - begin - NAME).toArray(ValueLayout.JAVA_BYTE);
            if (!(entry.length == 1 && entry[0] == '.') && !(entry.length == 2 && entry[0] == '.' && entry[1] == '.')) {
                return entry;
            }
        }
    }

    private MemorySegment buffer() {
        return buffers.isEmpty() ? arena.allocate(BUFFER, 8) : buffers.pop();
    }

    private MemorySegment named(byte[] bytes) {
        return into(name, bytes);
    }

    private static MemorySegment into(MemorySegment place, byte[] bytes) {
        MemorySegment.copy(bytes, 0, place, ValueLayout.JAVA_BYTE, 0, bytes.length);
        place.set(ValueLayout.JAVA_BYTE, bytes.length, (byte) 0);
        return place;
    }

    private static boolean gone(int result) {
        return result == 0 || result == -Libc.ENOENT;
    }

    private void keep(byte[] entry, int error) {
        left++;
        if (first.isEmpty()) {
            String text = new String(entry, StandardCharsets.UTF_8).replaceAll("[^\\p{Graph} ]", "?");
            String shown = text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
            first = "'" + shown + "' among them: "
                    + (error == -LibcFiles.EXDEV ? "something is mounted there" : Libc.error(-error));
        }
    }
}
