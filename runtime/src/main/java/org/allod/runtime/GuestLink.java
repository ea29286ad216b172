package org.allod.runtime;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SupervisedThread;
import org.allod.base.Timers;
import org.jspecify.annotations.Nullable;

/**
 * One connection to PID 1 of a guest. The reader never blocks on a caller: received data is bounded by the granted
 * windows ({@link ChannelFlowControl}), so a slow caller slows only its own command. Writes pass through a short queue;
 * a guest that does not read for {@link #PATIENCE} is disconnected. A frame that the guest may not send closes the
 * link, with the reason in {@link #closed}.
 *
 * <p>Thread rule: one thread reads, one writes; every method may be called from any thread.
 */
final class GuestLink implements AutoCloseable {
    /** Maximum log rate in bytes per second; beyond it the guest waits and then drops the oldest output itself. */
    private static final long LOG_RATE = 2 << 20;

    private static final long LOG_BURST = 8 << 20;
    private static final int QUEUE = 64;
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    /** Acknowledging each frame would double the number of frames; the window is four of these. */
    private static final int ACK_EVERY = GuestProtocol.OUTPUT_WINDOW / 4;

    /** The cost of one log record in addition to its text: a frame of line ends becomes many records. */
    private static final int LINE_COST = 64;
    /** Prefix of a close reason that is neither the guest's nor the connection's fault. */
    static final String OURS = "our end failed: ";

    private final String name;
    private final SocketChannel channel;
    private final OutputSink sink;
    private final Clock clock;
    private final Timers timers;
    private final ChannelFlowControl ledger;
    private final BlockingQueue<ByteBuffer> queue = new ArrayBlockingQueue<>(QUEUE);
    private final Map<Integer, RemoteExec> execs = new HashMap<>();
    private final TokenBucket bucket;
    private int nextId = GuestProtocol.MAIN + 1;
    private long owedAck;
    private Timers.@Nullable Timer waitingAck;

    private final CompletableFuture<GuestFrame.Welcome> welcome = new CompletableFuture<>();
    private final CompletableFuture<Integer> started = new CompletableFuture<>();
    private final CompletableFuture<Void> released = new CompletableFuture<>();
    private final CompletableFuture<ExitStatus> exited = new CompletableFuture<>();
    private final CompletableFuture<String> closed = new CompletableFuture<>();
    private CompletableFuture<Void> pong = new CompletableFuture<>();
    private final Map<Long, CompletableFuture<GuestFrame.VolumeState>> volumes = new HashMap<>();
    private long nextToken;

    private GuestLink(String name, SocketChannel channel, OutputSink sink, Clock clock, Timers timers, long nonce) {
        this.name = name;
        this.channel = channel;
        this.sink = sink;
        this.clock = clock;
        this.timers = timers;
        this.ledger = new ChannelFlowControl(nonce);
        this.bucket = new TokenBucket(LOG_RATE, LOG_BURST, clock.monoNanos());
    }

    /**
     * Greets the guest at the other end of {@code channel}, which this link owns from now on.
     *
     * @param name for messages
     * @throws FailedException if no valid answer arrives within {@code bound}
     */
    static GuestLink open(
            String name, SocketChannel channel, OutputSink sink, Clock clock, Timers timers, Duration bound) {
        long nonce = ByteBuffer.wrap(Rng.secret(8)).getLong();
        GuestLink link = new GuestLink(name, channel, sink, clock, timers, nonce);
        Thread _ = SupervisedThread.start("guest-read", "guest-read-" + name, link::readLoop);
        Thread _ = SupervisedThread.start("guest-write", "guest-write-" + name, link::writeLoop);
        var now = clock.wall();
        long wall = now.getEpochSecond() * 1_000_000_000L + now.getNano();
        link.send(new HostFrame.Hello(nonce, sink.boot(), sink.position(), wall, Rng.secret(32)));
        try {
            link.await(link.welcome, bound, "greet");
            return link;
        } catch (FailedException e) {
            link.close();
            throw e;
        }
    }

    GuestFrame.Welcome welcome() {
        return welcome.join();
    }

    /** The exit of the main process, once the guest has reported it and all earlier output is in the sink. */
    CompletableFuture<ExitStatus> exited() {
        return exited;
    }

    /** Completes with the reason when the connection has ended, from either side. */
    CompletableFuture<String> closed() {
        return closed;
    }

    /** Sends PID 1 its configuration; returns once its main process has started, or has failed to start. */
    void configure(GuestSetup setup, Duration bound) {
        byte[] bytes = setup.encode();
        for (int at = 0; at < bytes.length; at += GuestProtocol.MAX_PAYLOAD) {
            byte[] piece = new byte[Math.min(GuestProtocol.MAX_PAYLOAD, bytes.length - at)];
            System.arraycopy(bytes, at, piece, 0, piece.length);
            send(new HostFrame.Config(piece));
        }
        send(new HostFrame.Start());
        await(started, bound, "start the machine's process in");
    }

    RemoteExec exec(ExecSpec spec) {
        byte[] command = GuestSetup.encode(spec);
        if (command.length > GuestProtocol.MAX_PAYLOAD - 4) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "the command and its environment take " + command.length + " bytes; at most "
                            + (GuestProtocol.MAX_PAYLOAD - 4) + " can be sent",
                    "put long input on the command's standard input");
        }
        synchronized (this) {
            RemoteExec exec = new RemoteExec(this, nextId++);
            int id = nextId - 1;
            execs.put(id, exec);
            if (closed.isDone()) {
                exec.lost(closed.join());
            }
            send(new HostFrame.Run(id, command));
            return exec;
        }
    }

    void signal(int number) {
        send(new HostFrame.Signal(GuestProtocol.MAIN, number));
    }

    /** Waits for the guest to answer a ping. */
    void ping(Duration bound) {
        CompletableFuture<Void> answer;
        synchronized (this) {
            if (pong.isDone()) {
                pong = new CompletableFuture<>();
            }
            answer = pong;
            send(new HostFrame.Ping(0));
        }
        await(answer, bound, "ping");
    }

    /** Sends a volume request and waits for the answer. */
    GuestFrame.VolumeState volume(HostFrame.Volumes what, String path, Duration bound) {
        CompletableFuture<GuestFrame.VolumeState> answer = new CompletableFuture<>();
        long token;
        synchronized (this) {
            token = nextToken++;
            volumes.put(token, answer);
        }
        try {
            send(new HostFrame.Volume(token, what, path));
            return await(answer, bound, what.name().toLowerCase(java.util.Locale.ROOT) + " a volume of");
        } finally {
            synchronized (this) {
                volumes.remove(token);
            }
        }
    }

    /** The exit is recorded on the host; the guest may power off. */
    void exitTaken() {
        send(new HostFrame.ExitTaken());
    }

    /**
     * Has the guest finish its current frame and release the connection, then closes it: before its memory is saved.
     */
    void release(Duration bound) {
        send(new HostFrame.Release());
        await(released, bound, "take leave of");
        end("released");
    }

    void forget(int id) {
        synchronized (this) {
            execs.remove(id);
        }
        send(new HostFrame.Close(id));
    }

    /** Queues a frame. Blocks while the guest does not read, and closes the link after {@link #PATIENCE}. */
    void send(HostFrame frame) {
        if (closed.isDone()) {
            return; // waiters are completed by `closed`
        }
        synchronized (ledger) {
            ledger.sent(frame);
        }
        if (!offer(frame.encode())) {
            end("the guest has read nothing for " + PATIENCE.toSeconds() + " s");
        }
    }

    /**
     * The link is everybody's: an interrupt, as of a request whose client has gone, is its thread's alone. The frame is
     * sent, since it is counted by now, and the thread is told of the interrupt after that.
     */
    private boolean offer(ByteBuffer frame) {
        long until = clock.monoNanos() + PATIENCE.toNanos();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return queue.offer(frame, until - clock.monoNanos(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void writeLoop() {
        try {
            while (!closed.isDone()) {
                ByteBuffer frame = queue.take();
                while (frame.hasRemaining()) {
                    channel.write(frame);
                }
            }
        } catch (IOException e) {
            end("the guest has gone: " + e.getMessage());
        } catch (InterruptedException e) {
            end("interrupted");
        } catch (RuntimeException | Error e) {
            end(OURS + e);
            throw e;
        }
    }

    private void readLoop() {
        FrameReader reader = new FrameReader();
        try {
            while (channel.read(reader.room()) >= 0) {
                for (var frame = reader.next(); frame.isPresent(); frame = reader.next()) {
                    boolean current;
                    synchronized (ledger) {
                        current = ledger.admit(frame.get());
                    }
                    if (current) {
                        take(frame.get());
                    }
                }
            }
            end("the guest has gone");
        } catch (IOException e) {
            end("the guest has gone: " + e.getMessage());
        } catch (ProtocolViolationException e) {
            end("cut off, because the guest sent " + e.getMessage());
        } catch (RuntimeException | Error e) {
            // A new link follows soon, and unacknowledged data is sent again, so the guest's exit is not missed.
            end(OURS + e);
            throw e;
        }
    }

    private void take(GuestFrame frame) {
        switch (frame) {
            case GuestFrame.Welcome w -> {
                sink.booted(w.boot(), w.position());
                welcome.complete(w);
            }
            case GuestFrame.Started s -> started.complete(s.pid());
            case GuestFrame.Output o -> {
                sink.output(o.position(), o.stream(), o.bytes());
                acknowledge(o.bytes().length + GuestProtocol.FRAME_COST + (long) LINE_COST * lines(o.bytes()));
            }
            case GuestFrame.Lost l -> {
                sink.lost(l.position(), l.count());
                acknowledge(ACK_EVERY);
            }
            case GuestFrame.Data d -> withExec(d.id(), e -> e.data(d.stream(), d.bytes()));
            case GuestFrame.DataEnd d -> withExec(d.id(), e -> e.dataEnd(d.stream()));
            case GuestFrame.Grant g -> withExec(g.id(), e -> e.granted(g.bytes()));
            case GuestFrame.Exited e when e.id() == GuestProtocol.MAIN -> exited.complete(e.exit());
            case GuestFrame.Exited e -> {
                RemoteExec exec;
                synchronized (this) {
                    exec = execs.remove(e.id());
                }
                if (exec != null) {
                    exec.ended(e.exit());
                }
            }
            case GuestFrame.Pong _ -> {
                synchronized (this) {
                    pong.complete(null);
                }
            }
            case GuestFrame.VolumeState v -> {
                CompletableFuture<GuestFrame.VolumeState> asked;
                synchronized (this) {
                    asked = volumes.get(v.token());
                }
                if (asked != null) {
                    asked.complete(v);
                }
            }
            case GuestFrame.Released _ -> released.complete(null);
            case GuestFrame.Fault f -> throw new ProtocolViolationException(f.why());
        }
    }

    private void withExec(int id, Consumer<RemoteExec> action) {
        RemoteExec exec;
        synchronized (this) {
            exec = execs.get(id);
        }
        if (exec != null) {
            action.accept(exec);
        }
    }

    private static int lines(byte[] bytes) {
        int count = 0;
        for (byte b : bytes) {
            count += b == '\n' ? 1 : 0;
        }
        return count;
    }

    /**
     * Returns the guest's window. If the guest exceeds the log rate, the acknowledgement is delayed, together with that
     * of later output.
     */
    private void acknowledge(long cost) {
        synchronized (this) {
            owedAck += cost;
            if (owedAck < ACK_EVERY || waitingAck != null) {
                return;
            }
            long wait = bucket.take(owedAck, clock.monoNanos());
            owedAck = 0;
            if (wait > 0) {
                waitingAck = timers.after(Duration.ofNanos(wait), this::acknowledgeLate);
                return;
            }
        }
        send(new HostFrame.Ack(sink.position()));
    }

    private void acknowledgeLate() {
        long upTo = sink.position();
        synchronized (this) {
            waitingAck = null;
        }
        send(new HostFrame.Ack(upTo));
        acknowledge(0); // what arrived during the delay
    }

    private <T> T await(CompletableFuture<T> answer, Duration bound, String what) {
        CompletableFuture<T> orClosed = answer.copy();
        var _ = closed.thenAccept(why -> orClosed.completeExceptionally(new FailedException(why)));
        try {
            return orClosed.get(bound.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new FailedException(
                    "cannot " + what + " guest " + name + ": no answer within " + bound.toMillis() + " ms", e);
        } catch (ExecutionException e) {
            throw new FailedException("cannot " + what + " guest " + name + ": " + closed.getNow("broken"), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while trying to " + what + " guest " + name, e);
        }
    }

    private void end(String reason) {
        if (!closed.complete(reason)) {
            return;
        }
        try {
            channel.close();
        } catch (IOException e) {
            // The channel counts as closed.
        }
        Map<Integer, RemoteExec> left;
        synchronized (this) {
            left = Map.copyOf(execs);
            execs.clear();
            if (waitingAck != null) {
                waitingAck.cancel();
            }
        }
        queue.clear();
        boolean _ = queue.offer(ByteBuffer.allocate(0)); // wakes the writer, which then sees that the link is closed
        left.values().forEach(exec -> exec.lost("the link to guest " + name + " is gone: " + reason));
    }

    @Override
    public void close() {
        end("closed");
    }
}
