package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import org.allod.base.Bug;

/**
 * Bindings to the C library and to system calls that Java does not offer, checked by hand against the kernel's {@code
 * uapi} headers. The numbers of system calls here are the same on every architecture (since Linux 5.1 there is one
 * table); {@link LibcSockets} has older ones. Negative results are the negated {@code errno}, as the kernel returns
 * them.
 */
final class Libc {
    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int ESRCH = 3;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int ENODEV = 19;
    static final int EINVAL = 22;
    static final int EOPNOTSUPP = 95;
    static final int EPOLLIN = 1;
    static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;

    static final int O_RDONLY = 0;
    static final int O_WRONLY = 1;
    static final int O_RDWR = 2;
    static final int O_CLOEXEC = 0x80000;
    static final int O_PATH = 0x200000;

    static final int SEEK_DATA = 3;
    static final int SEEK_HOLE = 4;

    /** {@code _IOW(0x94, 9, int)}: make a file share all blocks of another. */
    static final long FICLONE = 0x4004_9409L;

    private static final int SYS_PIDFD_SEND_SIGNAL = 424;
    private static final int SYS_PIDFD_OPEN = 434;
    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EFD_CLOEXEC = 0x80000;

    /** {@code struct epoll_event} is packed on x86-64 alone. */
    private static final boolean PACKED = System.getProperty("os.arch", "").equals("amd64");

    static final long EVENT_SIZE = PACKED ? 12 : 16;
    private static final long EVENT_DATA = PACKED ? 4 : 8;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    /** One handle for every system call, with the most arguments, since the JVM takes 20 ms to link each shape. */
    private static final MethodHandle SYSCALL = bind(
            "syscall",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG),
            Linker.Option.firstVariadicArg(1));

    private static final MethodHandle CLOSE =
            bind("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle EPOLL_CREATE =
            bind("epoll_create1", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle EPOLL_CTL = bind(
            "epoll_ctl",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS));
    private static final MethodHandle EPOLL_WAIT = bind(
            "epoll_wait",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT));
    private static final MethodHandle EVENTFD =
            bind("eventfd", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle OPEN = bind(
            "open",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    private static final MethodHandle IOCTL = bind(
            "ioctl",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    private static final MethodHandle LSEEK = bind(
            "lseek",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

    private static final MethodHandle FSTAT =
            bind("fstat", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));

    private static final MethodHandle STRERROR = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("strerror"),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final long LONGEST_ERROR = 200;

    private Libc() {}

    /** The C library's text for an errno; {@code strerror} is thread-safe since glibc 2.32. */
    static String error(int errno) {
        try {
            MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
            return text.reinterpret(LONGEST_ERROR).getString(0);
        } catch (Throwable e) {
            throw unexpected("strerror", e);
        }
    }

    /** Blocks of 512 bytes that an open file takes. {@code st_blocks} has the same offset on x86-64 and 64-bit ARM. */
    static long blocks(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            MemorySegment stat = arena.allocate(256, 8);
            int result = result((int) FSTAT.invokeExact(state, fd, stat), state);
            return result < 0 ? result : stat.get(ValueLayout.JAVA_LONG, 64);
        } catch (Throwable e) {
            throw unexpected("fstat", e);
        }
    }

    /** Opens an existing file, with close-on-exec. */
    static int open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            return result((int) OPEN.invokeExact(state, arena.allocateFrom(path), flags | O_CLOEXEC), state);
        } catch (Throwable e) {
            throw unexpected("open", e);
        }
    }

    /** An {@code ioctl} whose argument is a number. */
    static int ioctl(int fd, long request, int argument) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            return result((int) IOCTL.invokeExact(state, fd, request, argument), state);
        } catch (Throwable e) {
            throw unexpected("ioctl", e);
        }
    }

    static long lseek(int fd, long offset, int whence) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            long at = (long) LSEEK.invokeExact(state, fd, offset, whence);
            return at >= 0 ? at : -(int) ERRNO.get(state, 0L);
        } catch (Throwable e) {
            throw unexpected("lseek", e);
        }
    }

    /** A descriptor for the process, or {@code -ESRCH}. */
    static int pidfdOpen(int pid) {
        return (int) syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0, 0, 0);
    }

    static int pidfdSendSignal(int pidfd, int signal) {
        return (int) syscall(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0, 0, 0);
    }

    static int close(int fd) {
        return call(CLOSE, fd);
    }

    static int epollCreate() {
        return call(EPOLL_CREATE, EPOLL_CLOEXEC);
    }

    static int eventfd(int initial) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            return result((int) EVENTFD.invokeExact(state, initial, EFD_CLOEXEC), state);
        } catch (Throwable e) {
            throw unexpected("eventfd", e);
        }
    }

    /** Adds a descriptor whose events then carry the key. */
    static int epollAdd(int epoll, int fd, long key) {
        return epollControl(epoll, EPOLL_CTL_ADD, fd, key);
    }

    static int epollRemove(int epoll, int fd) {
        return epollControl(epoll, EPOLL_CTL_DEL, fd, 0);
    }

    private static int epollControl(int epoll, int what, int fd, long key) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            MemorySegment event = arena.allocate(EVENT_SIZE);
            event.set(ValueLayout.JAVA_INT_UNALIGNED, 0, EPOLLIN);
            event.set(ValueLayout.JAVA_LONG_UNALIGNED, EVENT_DATA, key);
            return result((int) EPOLL_CTL.invokeExact(state, epoll, what, fd, event), state);
        } catch (Throwable e) {
            throw unexpected("epoll_ctl", e);
        }
    }

    /**
     * Waits without a timeout; returns how many events are ready. For platform threads only, since it pins a carrier.
     */
    static int epollWait(int epoll, MemorySegment events, int capacity) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            return result((int) EPOLL_WAIT.invokeExact(state, epoll, events, capacity, -1), state);
        } catch (Throwable e) {
            throw unexpected("epoll_wait", e);
        }
    }

    /** The key of the event at {@code index} of an {@link #epollWait}. */
    static long readyKey(MemorySegment events, int index) {
        return events.get(ValueLayout.JAVA_LONG_UNALIGNED, index * EVENT_SIZE + EVENT_DATA);
    }

    /** Makes a system call; pass zero for arguments that it does not have. */
    static long syscall(long number, long a, long b, long c, long d, long e, long f) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            long value = (long) SYSCALL.invokeExact(state, number, a, b, c, d, e, f);
            return value >= 0 ? value : -(int) ERRNO.get(state, 0L);
        } catch (Throwable failure) {
            throw unexpected("system call " + number, failure);
        }
    }

    private static int call(MethodHandle handle, int argument) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(STATE);
            return result((int) handle.invokeExact(state, argument), state);
        } catch (Throwable e) {
            throw unexpected("a call of one argument", e);
        }
    }

    private static int result(int value, MemorySegment state) {
        return value >= 0 ? value : -(int) ERRNO.get(state, 0L);
    }

    private static Bug unexpected(String what, Throwable cause) {
        return new Bug("foreign call of " + what + " threw", cause);
    }

    private static MethodHandle bind(String name, FunctionDescriptor shape, Linker.Option... more) {
        Linker.Option[] options = new Linker.Option[more.length + 1];
        options[0] = Linker.Option.captureCallState("errno");
        System.arraycopy(more, 0, options, 1, more.length);
        MemorySegment symbol =
                LINKER.defaultLookup().find(name).orElseThrow(() -> new Bug("the C library has no " + name));
        return LINKER.downcallHandle(symbol, shape, options);
    }
}
