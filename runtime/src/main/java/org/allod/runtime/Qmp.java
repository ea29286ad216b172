package org.allod.runtime;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.allod.base.FailedException;
import org.allod.base.Timers;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * QEMU's control socket: JSON lines in both directions. Opened for one purpose and closed again, because QEMU serves
 * one client at a time. QEMU is trusted no more than its guest: the length of its lines and the time to wait are
 * bounded.
 */
final class Qmp implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int LONGEST_LINE = 1 << 20;

    /** Maximum events read while waiting for a command's answer: an honest QEMU sends a few a second. */
    private static final int MOST_EVENTS = 1000;

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final SocketChannel channel;
    private final Timers timers;
    private final ByteBuffer buffer = ByteBuffer.allocate(LONGEST_LINE);

    /** How much of the buffer was scanned without finding an end of line. */
    private int looked;

    private Qmp(SocketChannel channel, Timers timers) {
        this.channel = channel;
        this.timers = timers;
    }

    /** @param uid the user that QEMU runs as */
    static Qmp open(Path socket, int uid, Timers timers) {
        try {
            Qmp qmp = new Qmp(UnixSockets.connect(socket, uid, timers, PATIENCE), timers);
            try {
                var _ = qmp.within("greet", () -> qmp.readLine());
                var _ = qmp.run("qmp_capabilities", Map.of());
                return qmp;
            } catch (FailedException e) {
                qmp.close();
                throw e;
            }
        } catch (IOException e) {
            throw new FailedException("cannot reach QEMU at " + socket + ": " + e.getMessage(), e);
        }
    }

    JsonNode run(String command) {
        return run(command, Map.of());
    }

    /** Runs a command and returns its result. */
    JsonNode run(String command, Map<String, ?> arguments) {
        return within(command, () -> {
            String line = JSON.writeValueAsString(Map.of("execute", command, "arguments", arguments)) + "\n";
            ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            for (int lines = 0; lines < MOST_EVENTS; lines++) {
                JsonNode answer = JSON.readTree(readLine());
                if (answer.has("return")) {
                    return answer.get("return");
                }
                if (answer.has("error")) {
                    throw new IOException(answer.get("error").path("desc").asString("no reason given"));
                }
                // Anything else is an event; callers query state instead.
            }
            throw new IOException(MOST_EVENTS + " events came, and no answer");
        });
    }

    private interface Talk<T> {
        T talk() throws IOException;
    }

    /** Bounds an exchange in time: a timer closes the socket. */
    private <T> T within(String what, Talk<T> talk) {
        AtomicBoolean late = new AtomicBoolean();
        Timers.Timer timer = timers.after(PATIENCE, () -> {
            late.set(true);
            close();
        });
        try {
            return talk.talk();
        } catch (IOException | JacksonException e) {
            String why = late.get() ? "no answer within " + PATIENCE.toSeconds() + " s" : e.getMessage();
            throw new FailedException("QEMU did not carry out " + what + ": " + why, e);
        } finally {
            timer.cancel();
        }
    }

    private String readLine() throws IOException {
        while (true) {
            for (int i = looked; i < buffer.position(); i++) {
                if (buffer.get(i) == '\n') {
                    looked = 0;
                    byte[] line = new byte[i];
                    buffer.flip().get(line).get();
                    buffer.compact();
                    return new String(line, StandardCharsets.UTF_8);
                }
            }
            looked = buffer.position();
            if (!buffer.hasRemaining()) {
                throw new IOException("a line of more than " + LONGEST_LINE + " bytes");
            }
            if (channel.read(buffer) < 0) {
                throw new IOException("it has gone");
            }
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // The socket counts as closed.
        }
    }
}
