package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The system calls that sockets of netlink, namespaces and mounts need, by their numbers on either architecture we run
 * on. Results below zero are the negated {@code errno}.
 */
final class LibcSockets {
    static final int NETLINK_ROUTE = 0;
    static final int NETLINK_NETFILTER = 12;

    static final int SOL_SOCKET = 1;
    static final int SOL_NETLINK = 270;

    static final long MS_BIND = 0x1000;
    static final long MS_REC = 0x4000;
    static final long MS_SHARED = 1 << 20;

    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final int MNT_DETACH = 2;
    private static final int LOCK_EX = 2;
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;

    /** A message longer than the buffer is told of by its whole length, not cut in silence. */
    private static final int MSG_TRUNC = 0x20;

    /** {@code struct sockaddr_nl}: family, padding, port, groups. All zero but the family: the kernel. */
    private static final int SOCKADDR_NL = 12;

    /** {@code struct ifreq}: 16 bytes of name, 24 of what depends on the request. */
    private static final int IFREQ = 40;

    private static final int IFREQ_FLAGS = 16;

    private static final boolean X86 = System.getProperty("os.arch", "").equals("amd64");

    // The right-hand numbers are those of include/uapi/asm-generic/unistd.h: 64-bit ARM and whatever came later.
    private static final int IOCTL = X86 ? 16 : 29;
    private static final int FLOCK = X86 ? 73 : 32;
    private static final int SOCKET = X86 ? 41 : 198;
    private static final int CONNECT = X86 ? 42 : 203;
    private static final int SENDTO = X86 ? 44 : 206;
    private static final int RECVFROM = X86 ? 45 : 207;
    private static final int SETSOCKOPT = X86 ? 54 : 208;
    private static final int MOUNT = X86 ? 165 : 40;
    private static final int UMOUNT2 = X86 ? 166 : 39;
    private static final int UNSHARE = X86 ? 272 : 97;
    private static final int SETNS = X86 ? 308 : 268;

    private LibcSockets() {}

    /** A socket of netlink, in the network namespace of this thread; not for children. */
    static int netlink(int protocol) {
        return call(SOCKET, AF_NETLINK, SOCK_RAW | Libc.O_CLOEXEC, protocol, 0);
    }

    /** Binds the socket's other end to the kernel: from then on nobody else's messages reach it. */
    static int connectKernel(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment kernel = arena.allocate(SOCKADDR_NL, 8);
            kernel.set(ValueLayout.JAVA_SHORT, 0, (short) AF_NETLINK);
            return call(CONNECT, fd, kernel.address(), SOCKADDR_NL, 0);
        }
    }

    /** Waits for a message at most so long. */
    static int setPatience(int fd, int option, long seconds) {
        try (Arena arena = Arena.ofConfined()) {
            return set(fd, SOL_SOCKET, option, arena.allocateFrom(ValueLayout.JAVA_LONG, seconds, 0)); // timeval
        }
    }

    static int setFlag(int fd, int option) {
        try (Arena arena = Arena.ofConfined()) {
            return set(fd, SOL_NETLINK, option, arena.allocateFrom(ValueLayout.JAVA_INT, 1));
        }
    }

    private static int set(int fd, int level, int option, MemorySegment value) {
        return (int) Libc.syscall(SETSOCKOPT, fd, level, option, value.address(), value.byteSize(), 0);
    }

    static long send(int fd, MemorySegment bytes) {
        return Libc.syscall(SENDTO, fd, bytes.address(), bytes.byteSize(), 0, 0, 0);
    }

    /** The length of the next message, which is more than the buffer's where that cut it. */
    static long receive(int fd, MemorySegment buffer) {
        return Libc.syscall(RECVFROM, fd, buffer.address(), buffer.byteSize(), MSG_TRUNC, 0, 0);
    }

    /** Waits until the file is locked for this descriptor alone, as {@code flock} does. */
    static int lock(int fd) {
        return call(FLOCK, fd, LOCK_EX, 0, 0);
    }

    /** An {@code ioctl} about the network device of that name, which has at most 15 bytes. */
    static int ioctlDevice(int fd, long request, String name, short flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment device = arena.allocate(IFREQ, 8);
            device.asSlice(0, IFREQ_FLAGS).setString(0, name);
            device.set(ValueLayout.JAVA_SHORT, IFREQ_FLAGS, flags);
            return call(IOCTL, fd, request, device.address(), 0);
        }
    }

    /** Moves this thread into a network namespace made for it. See {@link NetNs} for what that asks of the thread. */
    static int unshareNetwork() {
        return call(UNSHARE, CLONE_NEWNET, 0, 0, 0);
    }

    /** Moves this thread into the network namespace that the descriptor stands for. */
    static int enterNetwork(int fd) {
        return call(SETNS, fd, CLONE_NEWNET, 0, 0);
    }

    /** A mount without a type or data of its own: a bind, or a change of how mounts propagate. */
    static int mount(String source, String target, long flags) {
        try (Arena arena = Arena.ofConfined()) {
            long none = arena.allocateFrom("none").address();
            return call(
                    MOUNT,
                    arena.allocateFrom(source).address(),
                    arena.allocateFrom(target).address(),
                    none,
                    flags);
        }
    }

    /** Takes a mount out of the tree now; its last user frees it. */
    static int detach(String target) {
        try (Arena arena = Arena.ofConfined()) {
            return call(UMOUNT2, arena.allocateFrom(target).address(), MNT_DETACH, 0, 0);
        }
    }

    private static int call(int number, long a, long b, long c, long d) {
        return (int) Libc.syscall(number, a, b, c, d, 0, 0);
    }
}
