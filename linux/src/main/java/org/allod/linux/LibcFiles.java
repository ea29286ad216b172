package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The system calls that act on an entry of an open folder, by their numbers on either architecture we run on. Names are
 * bytes that end in a zero. Results below zero are the negated {@code errno}.
 */
final class LibcFiles {
    static final int EISDIR = 21;
    static final int EXDEV = 18;
    static final int EEXIST = 17;
    static final int ENOTEMPTY = 39;

    private static final int OPENAT2 = 437;
    private static final boolean X86 = System.getProperty("os.arch", "").equals("amd64");

    // The right-hand numbers are those of include/uapi/asm-generic/unistd.h: 64-bit ARM and whatever came later.
    private static final int GETDENTS64 = X86 ? 217 : 61;
    private static final int MKDIRAT = X86 ? 258 : 34;
    private static final int UNLINKAT = X86 ? 263 : 35;
    private static final int RENAMEAT2 = X86 ? 316 : 276;

    private static final int AT_REMOVEDIR = 0x200;
    private static final int RENAME_NOREPLACE = 1;
    private static final int O_NONBLOCK = 0x800;

    /** These two differ between the architectures. */
    private static final int O_DIRECTORY = X86 ? 0x10000 : 0x4000;

    private static final int O_NOFOLLOW = X86 ? 0x20000 : 0x8000;

    /** {@code struct open_how}: flags, mode, resolve. */
    private static final int OPEN_HOW = 24;

    private static final int RESOLVE_NO_XDEV = 1;
    private static final int RESOLVE_NO_SYMLINKS = 4;
    private static final int RESOLVE_BENEATH = 8;

    private LibcFiles() {}

    /** How {@link #openFolder} opens: made once, and used for any number of folders. */
    static MemorySegment openHow(Arena arena) {
        MemorySegment how = arena.allocate(OPEN_HOW, 8);
        how.set(
                ValueLayout.JAVA_LONG,
                0,
                Libc.O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | Integer.toUnsignedLong(Libc.O_CLOEXEC));
        how.set(ValueLayout.JAVA_LONG, 16, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
        return how;
    }

    /** Opens a folder in an open folder; {@code -EXDEV} where something is mounted on it. Follows no link. */
    static int openFolder(MemorySegment how, int folder, MemorySegment name) {
        return (int) Libc.syscall(OPENAT2, folder, name.address(), how.address(), OPEN_HOW, 0, 0);
    }

    /** Deletes an entry that is no folder. */
    static int unlink(int folder, MemorySegment name) {
        return (int) Libc.syscall(UNLINKAT, folder, name.address(), 0, 0, 0, 0);
    }

    /** Deletes an empty folder. */
    static int removeFolder(int folder, MemorySegment name) {
        return (int) Libc.syscall(UNLINKAT, folder, name.address(), AT_REMOVEDIR, 0, 0, 0);
    }

    static int makeFolder(int folder, MemorySegment name, int mode) {
        return (int) Libc.syscall(MKDIRAT, folder, name.address(), mode, 0, 0, 0);
    }

    /** Moves an entry; {@code -EEXIST} where its new name is taken. */
    static int rename(int from, MemorySegment name, int to, MemorySegment newName) {
        return (int) Libc.syscall(RENAMEAT2, from, name.address(), to, newName.address(), RENAME_NOREPLACE, 0);
    }

    /** Reads the next entries of an open folder ({@code struct linux_dirent64}); 0 at the end. */
    static int entries(int folder, MemorySegment into) {
        return (int) Libc.syscall(GETDENTS64, folder, into.address(), into.byteSize(), 0, 0, 0);
    }

    /** Begins to read an open folder's entries anew. */
    static void rewind(int folder) {
        long _ = Libc.lseek(folder, 0, 0);
    }
}
