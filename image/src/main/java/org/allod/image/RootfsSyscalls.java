package org.allod.image;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import org.allod.base.Bug;

/**
 * System calls that write a file system tree to disk with names that are bytes. Java's file interface cannot: it
 * decodes names by the locale, and supports neither devices nor {@code security.capability}.
 *
 * <p>Every name is relative to an open folder and no link is followed. For one thread, a platform thread, because the
 * calls block their carrier.
 */
final class RootfsSyscalls implements AutoCloseable {
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_FDCWD = -100;
    private static final int O_DIRECTORY = 0x10000;
    private static final int O_NOFOLLOW = 0x20000;
    private static final int O_CLOEXEC = 0x80000;
    private static final int NAME_ROOM = 4096;
    private static final int ENOSPC = 28;
    private static final int EDQUOT = 122;

    static final int S_IFCHR = 0020000;
    static final int S_IFBLK = 0060000;
    static final int S_IFIFO = 0010000;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    private static final MethodHandle OPENAT = handle("openat", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle CLOSE = handle("close", JAVA_INT);
    private static final MethodHandle MKDIRAT = handle("mkdirat", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle MKNODAT = handle("mknodat", JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG);
    private static final MethodHandle SYMLINKAT = handle("symlinkat", ADDRESS, JAVA_INT, ADDRESS);
    private static final MethodHandle LINKAT = handle("linkat", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RENAMEAT = handle("renameat", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS);
    private static final MethodHandle FCHOWNAT = handle("fchownat", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle FCHMODAT = handle("fchmodat", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle UTIMENSAT = handle("utimensat", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    private static final MethodHandle LSETXATTR = handle("lsetxattr", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle STRERROR = LINKER.downcallHandle(
            LINKER.defaultLookup().find("strerror").orElseThrow(), FunctionDescriptor.of(ADDRESS, JAVA_INT));

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment state = arena.allocate(STATE);
    private final MemorySegment first = arena.allocate(NAME_ROOM);
    private final MemorySegment second = arena.allocate(NAME_ROOM);
    private final MemorySegment times = arena.allocate(JAVA_LONG, 4);

    private static MethodHandle handle(String name, ValueLayout... arguments) {
        SymbolLookup lookup = LINKER.defaultLookup();
        return LINKER.downcallHandle(
                lookup.find(name).orElseThrow(() -> new Bug("the C library has no " + name)),
                FunctionDescriptor.of(JAVA_INT, arguments),
                Linker.Option.captureCallState("errno"));
    }

    /** Opens a folder by its path on the host. */
    int openFolder(String path) throws IOException {
        return openFolder(AT_FDCWD, path);
    }

    int openFolder(int at, String name) throws IOException {
        int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        return checked("open", name, () -> (int) OPENAT.invokeExact(state, at, text(first, name), flags));
    }

    void close(int fd) throws IOException {
        checked("close", "a folder", () -> (int) CLOSE.invokeExact(state, fd));
    }

    void makeFolder(int at, String name) throws IOException {
        checked("make the folder", name, () -> (int) MKDIRAT.invokeExact(state, at, text(first, name), 0700));
    }

    void makeNode(int at, String name, int type, int major, int minor) throws IOException {
        long device = (major & 0xfffL) << 8 | (minor & 0xffL) | (minor & ~0xffL) << 12 | (major & ~0xfffL) << 32;
        checked("make the node", name, () ->
                (int) MKNODAT.invokeExact(state, at, text(first, name), type | 0600, device));
    }

    void makeLink(String target, int at, String name) throws IOException {
        checked("make the link", name, () ->
                (int) SYMLINKAT.invokeExact(state, text(first, target), at, text(second, name)));
    }

    void hardLink(int fromFolder, String from, int at, String name) throws IOException {
        checked("link", name, () ->
                (int) LINKAT.invokeExact(state, fromFolder, text(first, from), at, text(second, name), 0));
    }

    void rename(int fromFolder, String from, int at, String name) throws IOException {
        checked("move", name, () ->
                (int) RENAMEAT.invokeExact(state, fromFolder, text(first, from), at, text(second, name)));
    }

    void owner(int at, String name, int uid, int gid) throws IOException {
        checked("give an owner to", name, () ->
                (int) FCHOWNAT.invokeExact(state, at, text(first, name), uid, gid, AT_SYMLINK_NOFOLLOW));
    }

    void mode(int at, String name, int mode) throws IOException {
        checked("set the rights of", name, () -> (int) FCHMODAT.invokeExact(state, at, text(first, name), mode, 0));
    }

    void time(int at, String name, long seconds) throws IOException {
        times.setAtIndex(JAVA_LONG, 0, seconds);
        times.setAtIndex(JAVA_LONG, 1, 0);
        times.setAtIndex(JAVA_LONG, 2, seconds);
        times.setAtIndex(JAVA_LONG, 3, 0);
        checked("set the time of", name, () ->
                (int) UTIMENSAT.invokeExact(state, at, text(first, name), times, AT_SYMLINK_NOFOLLOW));
    }

    /** Linux has no call for an attribute relative to an open folder, so the path of the folder under /proc is used. */
    void attribute(int at, String name, String attribute, byte[] value) throws IOException {
        try (Arena once = Arena.ofConfined()) {
            MemorySegment bytes = once.allocate(Math.max(1, value.length));
            MemorySegment.copy(value, 0, bytes, ValueLayout.JAVA_BYTE, 0, value.length);
            String path = "/proc/self/fd/" + at + "/" + name;
            checked("set the attribute " + attribute + " of", name, () -> (int) LSETXATTR.invokeExact(
                    state, text(first, path), text(second, attribute), bytes, (long) value.length, 0));
        }
    }

    private interface Call {
        int run() throws Throwable;
    }

    private int checked(String attempt, String on, Call call) throws IOException {
        int result;
        try {
            result = call.run();
        } catch (Throwable e) {
            throw new Bug("a call into the C library could not be made", e);
        }
        if (result < 0) {
            int errno = (int) ERRNO.get(state, 0L);
            String why = errno == ENOSPC || errno == EDQUOT ? StagingFiles.FULL : message(errno);
            throw new IOException("cannot " + attempt + " " + UntrustedText.printable(on) + ": " + why);
        }
        return result;
    }

    private static String message(int errno) {
        try {
            MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
            return text.reinterpret(256).getString(0);
        } catch (Throwable e) {
            throw new Bug("strerror could not be called", e);
        }
    }

    private static MemorySegment text(MemorySegment room, String latin1) {
        byte[] bytes = latin1.getBytes(ISO_8859_1);
        if (bytes.length >= NAME_ROOM) {
            throw new Bug("a name of " + bytes.length + " bytes got past the limits");
        }
        MemorySegment.copy(bytes, 0, room, ValueLayout.JAVA_BYTE, 0, bytes.length);
        room.set(ValueLayout.JAVA_BYTE, bytes.length, (byte) 0);
        return room;
    }

    @Override
    public void close() {
        arena.close();
    }
}
