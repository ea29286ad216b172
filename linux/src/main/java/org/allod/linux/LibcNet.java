package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** What {@link Libc} is for the calls that sockets, namespaces and mounts need. Results below zero are errors. */
final class LibcNet {
    static final int NETLINK_ROUTE = 0;
    static final int NETLINK_NETFILTER = 12;

    static final int SOL_SOCKET = 1;
    static final int SOL_NETLINK = 270;

    static final int CLONE_NEWNET = 0x4000_0000;

    static final long MS_BIND = 0x1000;
    static final long MS_REC = 0x4000;
    static final long MS_SHARED = 1 << 20;
    static final int MNT_DETACH = 2;

    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;

    /** A message longer than the buffer is told of by its whole length, not cut in silence. */
    private static final int MSG_TRUNC = 0x20;

    /** {@code struct sockaddr_nl}: family, padding, port, groups. All zero but the family: the kernel. */
    private static final int SOCKADDR_NL = 12;

    private static final MethodHandle SOCKET = Libc.bind(
            "socket",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle CONNECT = Libc.bind(
            "connect",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle SETSOCKOPT = Libc.bind(
            "setsockopt",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_INT));
    private static final FunctionDescriptor TRANSFER = FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT);
    private static final MethodHandle SEND = Libc.bind("send", TRANSFER);
    private static final MethodHandle RECV = Libc.bind("recv", TRANSFER);
    private static final MethodHandle UNSHARE =
            Libc.bind("unshare", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle SETNS =
            Libc.bind("setns", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final MethodHandle MOUNT = Libc.bind(
            "mount",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS));
    private static final MethodHandle UMOUNT2 = Libc.bind(
            "umount2", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

    private static final MethodHandle FLOCK =
            Libc.bind("flock", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final int LOCK_EX = 2;
    private static final MethodHandle IOCTL = Libc.bind(
            "ioctl",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
            Linker.Option.firstVariadicArg(2));

    /** {@code struct ifreq}: 16 bytes of name, 24 of what depends on the request. */
    private static final int IFREQ = 40;

    private static final int IFREQ_FLAGS = 16;

    private LibcNet() {}

    /** Waits until the file is locked for this descriptor alone, as {@code flock} does. */
    static int lock(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            return Libc.result((int) FLOCK.invokeExact(state, fd, LOCK_EX), state);
        } catch (Throwable e) {
            throw Libc.unexpected("flock", e);
        }
    }

    /** A socket of netlink, in the network namespace of this thread; not for children. */
    static int netlink(int protocol) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            return Libc.result((int) SOCKET.invokeExact(state, AF_NETLINK, SOCK_RAW | Libc.O_CLOEXEC, protocol), state);
        } catch (Throwable e) {
            throw Libc.unexpected("socket", e);
        }
    }

    /** Binds the socket's other end to the kernel: from then on nobody else's messages reach it. */
    static int connectKernel(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            MemorySegment kernel = arena.allocate(SOCKADDR_NL, 4);
            kernel.set(ValueLayout.JAVA_SHORT, 0, (short) AF_NETLINK);
            return Libc.result((int) CONNECT.invokeExact(state, fd, kernel, SOCKADDR_NL), state);
        } catch (Throwable e) {
            throw Libc.unexpected("connect", e);
        }
    }

    /** An option whose value is these words of the machine's own size: {@code struct timeval} has two. */
    static int setOption(int fd, int level, int option, long... words) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            MemorySegment value = arena.allocateFrom(ValueLayout.JAVA_LONG, words);
            return Libc.result(
                    (int) SETSOCKOPT.invokeExact(state, fd, level, option, value, (int) value.byteSize()), state);
        } catch (Throwable e) {
            throw Libc.unexpected("setsockopt", e);
        }
    }

    static int setFlag(int fd, int level, int option) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            MemorySegment value = arena.allocateFrom(ValueLayout.JAVA_INT, 1);
            return Libc.result(
                    (int) SETSOCKOPT.invokeExact(state, fd, level, option, value, (int) value.byteSize()), state);
        } catch (Throwable e) {
            throw Libc.unexpected("setsockopt", e);
        }
    }

    static long send(int fd, MemorySegment bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            return Libc.result((long) SEND.invokeExact(state, fd, bytes, bytes.byteSize(), 0), state);
        } catch (Throwable e) {
            throw Libc.unexpected("send", e);
        }
    }

    /** The length of the next message, which is more than the buffer's where that cut it. */
    static long receive(int fd, MemorySegment buffer) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            return Libc.result((long) RECV.invokeExact(state, fd, buffer, buffer.byteSize(), MSG_TRUNC), state);
        } catch (Throwable e) {
            throw Libc.unexpected("recv", e);
        }
    }

    /** An {@code ioctl} about the network device of that name, which has at most 15 bytes. */
    static int ioctlDevice(int fd, long request, String name, short flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            MemorySegment device = arena.allocate(IFREQ, 8);
            device.asSlice(0, IFREQ_FLAGS).setString(0, name);
            device.set(ValueLayout.JAVA_SHORT, IFREQ_FLAGS, flags);
            return Libc.result((int) IOCTL.invokeExact(state, fd, request, device), state);
        } catch (Throwable e) {
            throw Libc.unexpected("ioctl", e);
        }
    }

    /** Moves this thread into a network namespace made for it. See {@link NetNs} for what that asks of the thread. */
    static int unshareNetwork() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            return Libc.result((int) UNSHARE.invokeExact(state, CLONE_NEWNET), state);
        } catch (Throwable e) {
            throw Libc.unexpected("unshare", e);
        }
    }

    /** Moves this thread into the network namespace that the descriptor stands for. */
    static int enterNetwork(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            return Libc.result((int) SETNS.invokeExact(state, fd, CLONE_NEWNET), state);
        } catch (Throwable e) {
            throw Libc.unexpected("setns", e);
        }
    }

    /** A mount without a type or data of its own: a bind, or a change of how mounts propagate. */
    static int mount(String source, String target, long flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            MemorySegment none = arena.allocateFrom("none");
            return Libc.result(
                    (int) MOUNT.invokeExact(
                            state,
                            arena.allocateFrom(source),
                            arena.allocateFrom(target),
                            none,
                            flags,
                            MemorySegment.NULL),
                    state);
        } catch (Throwable e) {
            throw Libc.unexpected("mount", e);
        }
    }

    static int unmount(String target, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            return Libc.result((int) UMOUNT2.invokeExact(state, arena.allocateFrom(target), flags), state);
        } catch (Throwable e) {
            throw Libc.unexpected("umount2", e);
        }
    }
}
