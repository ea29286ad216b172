package org.allod.linux;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.allod.base.FailedException;

/**
 * A netlink socket ({@code man 7 netlink}). Requests go out in one send, and each gets its response before the call
 * returns; a request that the kernel refuses becomes a {@link Refusal} with the kernel's own reason.
 *
 * <p>The socket belongs to the network namespace in which it was opened, whatever thread uses it. Not thread-safe. Its
 * calls block in the C library, so use platform threads only ({@link PlatformThreads}).
 */
final class Netlink implements AutoCloseable {
    private static final int SO_RCVTIMEO = 20;
    private static final int NETLINK_CAP_ACK = 10;
    private static final int NETLINK_EXT_ACK = 11;

    /** A timeout that should never pass: the kernel responds during the send; only listings come in pieces. */
    private static final long PATIENCE_SECONDS = 20;

    /** Twice the most that the kernel puts into one message of a listing. */
    private static final int BUFFER = 64 << 10;

    /** How often a listing is repeated because something changed during it. */
    private static final int LISTINGS = 10;

    /** The most messages of a listing; more than a hundred thousand devices or elements need. */
    private static final int MOST = 1 << 20;

    /** A request that the kernel refused. */
    static final class Refusal {
        private final String what;
        private final int errno;
        private final String reason;

        Refusal(String what, int errno, String reason) {
            this.what = what;
            this.errno = errno;
            this.reason = reason;
        }

        int errno() {
            return errno;
        }

        FailedException failed() {
            return new FailedException(
                    "cannot " + what + ": " + Libc.error(errno) + (reason.isEmpty() ? "" : ": " + reason));
        }
    }

    private final int fd;
    private int sequence;

    private Netlink(int fd) {
        this.fd = fd;
    }

    /** Opens a socket in the namespace of this thread. */
    static Netlink open(int protocol) {
        return of(LibcSockets.netlink(protocol));
    }

    /** Takes ownership of a socket, or of the error that opening it returned. */
    static Netlink of(int fd) {
        checked("socket", fd);
        Netlink netlink = new Netlink(fd);
        try {
            checked("connect", LibcSockets.connectKernel(fd));
            checked("setsockopt", LibcSockets.setPatience(fd, SO_RCVTIMEO, PATIENCE_SECONDS));
            // Without these options an error is only a number, followed by the whole request.
            checked("setsockopt", LibcSockets.setFlag(fd, NETLINK_CAP_ACK));
            checked("setsockopt", LibcSockets.setFlag(fd, NETLINK_EXT_ACK));
            return netlink;
        } catch (FailedException e) {
            netlink.close();
            throw e;
        }
    }

    /**
     * Sends the requests together and waits until all that ask for it are acknowledged. The kernel continues after one
     * that it refuses, so each must be harmless if an earlier one has failed.
     *
     * @throws FailedException for the first that was refused
     */
    void ask(List<NetlinkMessage> requests) {
        List<Refusal> refusals = tell(requests);
        if (!refusals.isEmpty()) {
            throw refusals.getFirst().failed();
        }
    }

    /** Like {@link #ask}, but returns the refusals, in the order of the requests, instead of throwing. */
    List<Refusal> tell(List<NetlinkMessage> requests) {
        int first = send(requests);
        int awaited =
                (int) requests.stream().filter(NetlinkMessage::acknowledged).count();
        Refusal[] refused = new Refusal[requests.size()];
        boolean[] heard = new boolean[requests.size()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER, 8);
            while (awaited > 0) {
                for (NetlinkResponse answer : receive(buffer, requests.getFirst())) {
                    int index = answer.sequence() - first;
                    if (index < 0
                            || index >= refused.length
                            || heard[index]
                            || answer.type() != NetlinkResponse.ERROR) {
                        throw stray(answer, requests.getFirst());
                    }
                    heard[index] = true;
                    if (answer.error() != 0) {
                        NetlinkMessage request = requests.get(index);
                        refused[index] = new Refusal(request.what(), answer.error(), answer.reason());
                        if (!request.acknowledged()) {
                            return List.of(refused[index]); // the batch's begin or end: all of the batch failed
                        }
                    }
                    awaited--;
                }
            }
        }
        List<Refusal> all = new ArrayList<>();
        for (Refusal each : refused) {
            if (each != null) {
                all.add(each);
            }
        }
        return all;
    }

    /**
     * A consistent listing of everything that a request asks for.
     *
     * @param absent tells which errors mean that there is nothing to list
     */
    List<NetlinkResponse> list(NetlinkMessage request, IntPredicate absent) {
        for (int i = 0; i < LISTINGS; i++) {
            List<NetlinkResponse> all = new ArrayList<>();
            if (gather(request, all, absent)) {
                return all;
            }
        }
        throw new FailedException("cannot " + request.what() + ": it changes faster than it can be read");
    }

    /** The one object that a request asks for; empty if the kernel returns the error {@code absent}. */
    Optional<NetlinkResponse> get(NetlinkMessage request, int absent) {
        int asked = send(List.of(request));
        try (Arena arena = Arena.ofConfined()) {
            NetlinkResponse answer = receive(arena.allocate(BUFFER, 8), request).getFirst();
            if (answer.sequence() != asked) {
                throw stray(answer, request);
            }
            if (answer.type() != NetlinkResponse.ERROR) {
                return Optional.of(answer);
            }
            if (answer.error() == absent) {
                return Optional.empty();
            }
            throw new Refusal(request.what(), answer.error(), answer.reason()).failed();
        }
    }

    /** Reads one listing; false if it is not consistent. */
    private boolean gather(NetlinkMessage request, List<NetlinkResponse> all, IntPredicate absent) {
        int asked = send(List.of(request));
        boolean whole = true;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(BUFFER, 8);
            while (all.size() < MOST) {
                for (NetlinkResponse answer : receive(buffer, request)) {
                    if (answer.sequence() != asked) {
                        throw stray(answer, request);
                    }
                    whole &= (answer.flags() & NetlinkResponse.INTERRUPTED) == 0;
                    switch (answer.type()) {
                        case NetlinkResponse.ERROR, NetlinkResponse.DONE -> {
                            // The message that ends a listing has an error number if the listing ended early.
                            if (answer.error() == 0 || absent.test(answer.error())) {
                                return whole;
                            }
                            throw new Refusal(request.what(), answer.error(), answer.reason()).failed();
                        }
                        default -> all.add(answer);
                    }
                }
            }
        }
        throw new FailedException("cannot " + request.what() + ": the kernel lists more than " + MOST);
    }

    /** Sends the requests; returns the sequence number of the first. */
    private int send(List<NetlinkMessage> requests) {
        int first = sequence + 1;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        requests.forEach(request -> bytes.writeBytes(request.sealed(++sequence)));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(bytes.size(), 8);
            MemorySegment.copy(bytes.toByteArray(), 0, out, ValueLayout.JAVA_BYTE, 0, bytes.size());
            long sent;
            do {
                sent = LibcSockets.send(fd, out);
            } while (sent == -Libc.EINTR);
            if (sent != out.byteSize()) {
                throw new FailedException("cannot " + requests.getFirst().what() + ": sending it to the kernel failed"
                        + (sent < 0 ? ": " + Libc.error((int) -sent) : ""));
            }
        }
        return first;
    }

    private List<NetlinkResponse> receive(MemorySegment buffer, NetlinkMessage about) {
        long length;
        do {
            length = LibcSockets.receive(fd, buffer);
        } while (length == -Libc.EINTR);
        if (length < 0) {
            String why = length == -Libc.EAGAIN
                    ? "the kernel does not answer within " + PATIENCE_SECONDS + " s"
                    : "receiving the kernel's answer failed: " + Libc.error((int) -length);
            throw new FailedException("cannot " + about.what() + ": " + why);
        }
        if (length > buffer.byteSize()) {
            throw new FailedException(
                    "cannot " + about.what() + ": the kernel's answer is too long: " + length + " bytes");
        }
        ByteBuffer copy = ByteBuffer.allocate((int) length);
        copy.put(buffer.asSlice(0, length).asByteBuffer()).flip();
        List<NetlinkResponse> answers = NetlinkResponse.parse(copy).stream()
                .filter(answer -> answer.type() != NetlinkResponse.NOOP)
                .toList();
        if (answers.stream().anyMatch(answer -> answer.type() == NetlinkResponse.OVERRUN)) {
            throw new FailedException("cannot " + about.what() + ": answers of the kernel were lost");
        }
        return answers;
    }

    private static FailedException stray(NetlinkResponse answer, NetlinkMessage about) {
        return new FailedException("cannot tell whether it worked to " + about.what()
                + ": the kernel's answer is one to another question (type " + answer.type() + ", number "
                + answer.sequence() + ")");
    }

    private static void checked(String call, int result) {
        if (result < 0) {
            throw new FailedException("cannot speak to the kernel over netlink: " + call + ": " + Libc.error(-result));
        }
    }

    @Override
    public void close() {
        Libc.close(fd);
    }
}
