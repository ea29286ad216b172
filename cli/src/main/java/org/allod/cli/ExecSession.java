package org.allod.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import org.allod.base.ExecFrames;
import org.allod.base.FailedException;

/**
 * A command in a guest, with its streams connected to this process's. Frames in both directions: one byte of type, four
 * of length, then at most 64 KiB. This thread reads what the guest writes; a second, daemon thread reads standard
 * input.
 */
final class ExecSession implements AutoCloseable {

    private static final byte SIGINT = 2;

    private final HttpConnection connection;

    private ExecSession(HttpConnection connection) {
        this.connection = connection;
    }

    static ExecSession open(DaemonClient daemon, MachineRef machine, Json request) {
        String head = Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(request.write().getBytes(StandardCharsets.UTF_8));
        return new ExecSession(daemon.upgrade(
                machine.path() + "/exec/stream",
                Map.of("Connection", "Upgrade", "Upgrade", ExecFrames.PROTOCOL, "X-Allod-Exec", head)));
    }

    /** Runs until the command ends; returns its exit code. */
    int run(boolean stdin, boolean tty) throws Exception {
        if (tty) {
            Terminal.onResize(this::resize);
        }
        try (ShutdownHook _ = ShutdownHook.doing(this::interrupt);
                AutoCloseable _ = tty ? Terminal.takeOver() : () -> {}) {
            if (stdin) {
                Thread.ofPlatform().daemon().name("stdin").start(this::forwardInput);
            } else {
                endInput();
            }
            return forwardOutput();
        }
    }

    private int forwardOutput() throws IOException {
        OutputStream out = new FileOutputStream(FileDescriptor.out);
        OutputStream err = new FileOutputStream(FileDescriptor.err);
        byte[] head = new byte[5];
        while (true) {
            connection.readFully(head);
            int length = ByteBuffer.wrap(head, 1, 4).getInt();
            if (length < 0 || length > ExecFrames.MAX) {
                throw new FailedException("the daemon sent a frame of " + Integer.toUnsignedString(length) + " bytes");
            }
            byte[] payload = new byte[length];
            connection.readFully(payload);
            switch (head[0]) {
                case ExecFrames.STDOUT -> out.write(payload);
                case ExecFrames.STDERR -> err.write(payload);
                case ExecFrames.EXIT -> {
                    return exitCode(Json.parse(new String(payload, StandardCharsets.UTF_8)), err);
                }
                case ExecFrames.ERROR -> {
                    Json error = Json.parse(new String(payload, StandardCharsets.UTF_8));
                    throw new ApiError((int) error.at("http").number(500), error);
                }
                default -> throw new FailedException("the daemon sent a frame of an unknown type, " + head[0]);
            }
        }
    }

    private static int exitCode(Json exit, OutputStream err) throws IOException {
        if (exit.at("oom_killed").isTrue()) {
            err.write("allod: the command was killed because the machine ran out of memory\n"
                    .getBytes(StandardCharsets.UTF_8));
        }
        long signal = exit.at("signal").number(0);
        return (int) (signal > 0 ? 128 + signal : exit.at("exit_code").number(0));
    }

    private void forwardInput() {
        try (InputStream in = new FileInputStream(FileDescriptor.in)) {
            byte[] buffer = new byte[ExecFrames.MAX];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                send(ExecFrames.STDIN, Arrays.copyOf(buffer, n));
            }
        } catch (IOException e) {
            // The command has ended, or the other direction will report the connection error.
        }
        endInput();
    }

    private void endInput() {
        try {
            send(ExecFrames.STDIN, new byte[0]);
        } catch (IOException e) {
            // A short command can end before it receives the end of its input.
        }
    }

    private void resize() {
        try {
            Terminal.Size size = Terminal.size();
            send(
                    ExecFrames.RESIZE,
                    ByteBuffer.allocate(4)
                            .putShort((short) size.columns())
                            .putShort((short) size.rows())
                            .array());
        } catch (IOException e) {
            // As above.
        }
    }

    /** Handles Ctrl-C if the guest has no terminal that turns it into a signal. */
    private void interrupt() {
        try {
            send(ExecFrames.SIGNAL, new byte[] {SIGINT});
        } catch (IOException e) {
            // The daemon ends the command when the connection closes.
        }
    }

    private synchronized void send(byte type, byte[] payload) throws IOException {
        connection.send(ByteBuffer.allocate(5 + payload.length)
                .put(type)
                .putInt(payload.length)
                .put(payload)
                .array());
    }

    @Override
    public void close() {
        connection.close();
    }
}
