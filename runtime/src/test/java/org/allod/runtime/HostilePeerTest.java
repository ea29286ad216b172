package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.SystemClock;
import org.allod.base.Timers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Root in a guest that impersonates PID 1: what it can make the host hold, write or schedule. */
class HostilePeerTest {
    private static final Duration BOUND = Duration.ofSeconds(10);

    @TempDir
    Path folder;

    /** Timers that never fire by themselves, and tell what was asked of them. */
    private static final class Waiting implements Timers {
        final List<Duration> asked = Collections.synchronizedList(new ArrayList<>());
        final List<Runnable> tasks = Collections.synchronizedList(new ArrayList<>());
        final AtomicInteger most = new AtomicInteger();

        @Override
        public Timer after(Duration delay, Runnable task) {
            asked.add(delay);
            tasks.add(task);
            most.accumulateAndGet(tasks.size(), Math::max);
            return () -> tasks.remove(task);
        }

        void fire() {
            Poll.until(BOUND, Duration.ofMillis(1), "a timer", () -> !tasks.isEmpty());
            tasks.removeFirst().run();
        }
    }

    private final Clock clock = new SystemClock();
    private final Waiting timers = new Waiting();
    private UnixSocketAcceptor dialer;
    private ConsoleLog log;

    @BeforeEach
    void listen() throws IOException {
        dialer = new UnixSocketAcceptor(folder.resolve("guest.sock"));
        log = new ConsoleLog(folder.resolve("console.log"), 1 << 20, clock);
    }

    @AfterEach
    void close() throws IOException {
        dialer.close();
        log.close();
    }

    /** The guest's end, greeted and answered. */
    private SocketChannel greeted(long boot) throws IOException {
        SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("guest.sock")));
        ByteBuffer hello = ByteBuffer.allocate(80);
        while (hello.hasRemaining()) {
            assertThat(peer.read(hello)).isPositive();
        }
        ByteBuffer welcome = ByteBuffer.allocate(GuestProtocol.WELCOME_SIZE);
        welcome.putLong(GuestProtocol.MAGIC).putLong(hello.getLong(16)).putLong(boot);
        send(
                peer,
                GuestProtocol.WELCOME,
                welcome.put((byte) 1).putInt(5).putLong(0).array());
        return peer;
    }

    private static void send(SocketChannel peer, int type, byte[] payload) throws IOException {
        ByteBuffer frame = ByteBuffer.allocate(GuestProtocol.HEADER + payload.length);
        frame.put((byte) GuestProtocol.VERSION)
                .put((byte) type)
                .putShort((short) 0)
                .putInt(payload.length);
        frame.put(payload).flip();
        while (frame.hasRemaining()) {
            peer.write(frame);
        }
    }

    private static byte[] lost(long at, long count) {
        return ByteBuffer.allocate(16).putLong(at).putLong(count).array();
    }

    private static byte[] output(long at, String text) {
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        return ByteBuffer.allocate(9 + bytes.length)
                .putLong(at)
                .put((byte) 1)
                .put(bytes)
                .array();
    }

    private GuestLink link(CompletableFuture<SocketChannel> peer) throws Exception {
        Thread.ofVirtual().start(() -> {
            try {
                peer.complete(greeted(1));
            } catch (IOException | AssertionError e) {
                peer.completeExceptionally(e);
            }
        });
        return GuestLink.open("x", dialer.dial(BOUND), log, clock, timers, BOUND);
    }

    @Test
    void lost_againAndAgain_isCutOffAtTheSecond_withNoTimerAndTwoRecords() throws Exception {
        CompletableFuture<SocketChannel> coming = new CompletableFuture<>();
        GuestLink link = link(coming);
        try (SocketChannel peer = coming.get(10, TimeUnit.SECONDS)) {
            for (int i = 0; i < 2_000; i++) {
                send(peer, GuestProtocol.LOST, lost(i, 1));
            }
        } catch (IOException e) {
            // Cut off while it was speaking.
        }
        assertThat(link.closed().get(10, TimeUnit.SECONDS))
                .startsWith("cut off")
                .contains("gap");
        assertThat(timers.most.get()).isLessThanOrEqualTo(1);
        assertThat(log.tail(10_000)).hasSizeLessThan(200);
    }

    /** A request whose client goes is interrupted, and may be sending just then: others' commands must not end with it. */
    @Test
    void sender_thatIsInterrupted_sendsAllTheSame_andTheLinkStays() throws Exception {
        CompletableFuture<SocketChannel> coming = new CompletableFuture<>();
        GuestLink link = link(coming);
        try (SocketChannel peer = coming.get(10, TimeUnit.SECONDS)) {
            Thread.currentThread().interrupt();
            link.signal(15);
            assertThat(Thread.interrupted()).as("it is told").isTrue();
            ByteBuffer frame = ByteBuffer.allocate(GuestProtocol.HEADER);
            while (frame.hasRemaining()) {
                assertThat(peer.read(frame)).isPositive();
            }
            assertThat(frame.get(1)).isEqualTo((byte) GuestProtocol.SIGNAL);
            assertThat(link.closed()).isNotDone();
        }
    }

    @Test
    void output_beyondTheRate_waitsForOneAcknowledgementAtATime() throws Exception {
        CompletableFuture<SocketChannel> coming = new CompletableFuture<>();
        GuestLink link = link(coming);
        SocketChannel peer = coming.get(10, TimeUnit.SECONDS);
        AtomicLong acknowledged = new AtomicLong();
        Thread.ofVirtual().start(() -> hear(peer, acknowledged));
        // Nothing but line ends: each is a record in the log, and costs the guest of its rate what that takes.
        String lines = "\n".repeat(16_384);
        long at = 0;
        for (int i = 0; i < 60; i++) {
            long end = at + lines.length();
            Poll.until(
                    BOUND,
                    Duration.ofMillis(1),
                    "a window or a wait",
                    () -> end <= acknowledged.get() + GuestProtocol.OUTPUT_WINDOW || !timers.tasks.isEmpty());
            if (end <= acknowledged.get() + GuestProtocol.OUTPUT_WINDOW) {
                send(peer, GuestProtocol.OUTPUT, output(at, lines));
                at = end;
            } else {
                timers.fire();
            }
        }
        assertThat(timers.most.get()).as("timers at once").isEqualTo(1);
        assertThat(link.closed()).as("within its window").isNotDone();
        assertThat(timers.asked).as("made to wait").isNotEmpty();
        long written = at;
        Poll.until(BOUND, Duration.ofMillis(1), "the last of it", () -> log.position() == written);
        link.close();
        assertThat(timers.tasks).as("nothing waits for a link that is closed").isEmpty();
        peer.close();
    }

    private void speakNonsense(int boot) {
        try (SocketChannel peer = greeted(boot)) {
            send(peer, 0x99, new byte[0]);
            assertThat(peer.read(ByteBuffer.allocate(1))).isNegative();
        } catch (IOException e) {
            // Cut off, which is what is looked for.
        }
    }

    private static void hear(SocketChannel peer, AtomicLong acknowledged) {
        ByteBuffer frame = ByteBuffer.allocate(16);
        try {
            while (peer.read(frame) >= 0) {
                if (!frame.hasRemaining()) {
                    acknowledged.set(frame.getLong(8));
                    frame.clear();
                }
            }
        } catch (IOException e) {
            // Closed at the end.
        }
    }

    @Test
    void guest_thatIsCutOffEachTime_isCalledLessAndLessOften() throws Exception {
        GuestChannel channel = new GuestChannel(MachineId.of(7), dialer, log, folder, clock, timers);
        for (int i = 0; i < 6; i++) {
            int boot = i;
            Thread.ofVirtual().start(() -> speakNonsense(boot));
            if (i == 0) {
                channel.open(BOUND, BOUND, new CompletableFuture<>());
            } else {
                timers.fire();
            }
            int wanted = i + 1;
            Poll.until(BOUND, Duration.ofMillis(1), "the cut", () -> timers.asked.size() == wanted);
        }
        assertThat(timers.asked.stream().map(Duration::toSeconds)).containsExactly(10L, 20L, 40L, 60L, 60L, 60L);
        assertThat(log.tail(100))
                .hasSize(6)
                .last()
                .satisfies(line -> assertThat(line.text()).contains("unknown type 0x99", "again in 60 s", "6 times"));
        channel.close();
    }

    @Test
    void exec_framesOfOneByte_takeOfTheWindowWhatTheyCost() {
        ChannelFlowControl ledger = new ChannelFlowControl(9);
        ledger.admit(new GuestFrame.Welcome(9, 5, GuestFrame.State.RUNNING, 7, 0));
        ledger.sent(new HostFrame.Run(1, new byte[0]));
        int fit = GuestProtocol.STREAM_WINDOW / (GuestProtocol.FRAME_COST + 1);
        IntStream.range(0, fit).forEach(i -> ledger.admit(new GuestFrame.Data(1, 1, new byte[1])));
        assertThatThrownBy(() -> ledger.admit(new GuestFrame.Data(1, 1, new byte[1])))
                .isInstanceOf(ProtocolViolationException.class)
                .hasMessageContaining("more data than its window");
    }

    @Test
    void flow_readToTheEnd_givesBackWhatTheFramesTook() throws Exception {
        AtomicInteger given = new AtomicInteger();
        WindowedInputStream flow = new WindowedInputStream(given::addAndGet);
        int fit = GuestProtocol.STREAM_WINDOW / (GuestProtocol.FRAME_COST + 1);
        for (int i = 0; i < fit; i++) {
            flow.put(new byte[1]);
        }
        assertThat(flow.readNBytes(fit)).hasSize(fit);
        assertThat(given.get()).isGreaterThan(GuestProtocol.STREAM_WINDOW * 2 / 3);
    }
}
