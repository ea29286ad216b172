package org.allod.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Bug;

/**
 * Reports the daemon's state to the service manager by systemd's notify protocol: a datagram to the Unix socket named
 * in {@code NOTIFY_SOCKET}. Does nothing without a manager. Java has no Unix datagrams, so this makes system calls.
 *
 * @see <a href="https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html">sd_notify(3)</a>
 */
public final class SdNotify {
    private static final int AF_UNIX = 1;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int PATH_BYTES = 108;

    private final Optional<String> socket;
    private final Optional<Duration> watchdog;

    private SdNotify(Optional<String> socket, Optional<Duration> watchdog) {
        this.socket = socket;
        this.watchdog = watchdog;
    }

    /** The manager that started this process, if any. */
    public static SdNotify of(Map<String, String> env) {
        Optional<Duration> period = Optional.ofNullable(env.get("WATCHDOG_USEC"))
                .filter(text -> text.matches("\\d{1,15}"))
                .map(text -> Duration.ofNanos(Long.parseLong(text) * 1_000));
        return new SdNotify(
                Optional.ofNullable(env.get("NOTIFY_SOCKET")).filter(s -> s.startsWith("/") || s.startsWith("@")),
                period);
    }

    /** After what silence the manager restarts the daemon; empty if it does not. */
    public Optional<Duration> watchdog() {
        return watchdog;
    }

    /**
     * The daemon is still starting; the manager must wait at least {@code bound} from now on.
     */
    public void starting(String status, Duration bound) {
        tell("EXTEND_TIMEOUT_USEC=" + bound.toNanos() / 1_000 + "\nSTATUS=" + status);
    }

    /** The daemon serves; units that wait for it may start. */
    public void ready(String status) {
        tell("READY=1\nSTATUS=" + status);
    }

    /** The daemon is stopping. */
    public void stopping() {
        tell("STOPPING=1\nSTATUS=stopping; machines keep running");
    }

    /** The daemon is alive; call more often than {@link #watchdog}. */
    public void alive() {
        tell("WATCHDOG=1");
    }

    private void tell(String message) {
        socket.ifPresent(path -> send(path, message.getBytes(StandardCharsets.UTF_8)));
    }

    private static void send(String path, byte[] message) {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        if (name.length >= PATH_BYTES) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            // struct sockaddr_un: two bytes of family, then the path; a leading @ stands for the abstract namespace.
            MemorySegment address = arena.allocate(2 + PATH_BYTES);
            address.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) AF_UNIX);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, 2, name.length);
            if (name[0] == '@') {
                address.set(ValueLayout.JAVA_BYTE, 2, (byte) 0);
            }
            MemorySegment bytes = arena.allocate(message.length);
            MemorySegment.copy(message, 0, bytes, ValueLayout.JAVA_BYTE, 0, message.length);
            int fd = (int) Calls.SOCKET.invokeExact(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
            if (fd < 0) {
                return;
            }
            // Ignore the result: the daemon works without a manager that listens.
            long ignored = (long)
                    Calls.SENDTO.invokeExact(fd, bytes, (long) message.length, MSG_NOSIGNAL, address, 2 + name.length);
            Libc.close(fd);
        } catch (Throwable e) {
            throw new Bug("a call into the C library could not be made", e);
        }
    }

    /** Linked at the first message, so that a daemon without a manager does not pay for it. */
    private static final class Calls {
        private static final Linker LINKER = Linker.nativeLinker();

        static final MethodHandle SOCKET = bind(
                "socket",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

        static final MethodHandle SENDTO = bind(
                "sendto",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_INT));

        private static MethodHandle bind(String name, FunctionDescriptor shape) {
            return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), shape);
        }
    }
}
