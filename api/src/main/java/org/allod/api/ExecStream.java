package org.allod.api;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutionException;
import org.allod.base.ExecFrames;
import org.allod.runtime.Exec;
import org.allod.runtime.ExecSpec;
import org.allod.runtime.ExitStatus;

/**
 * Carries a command's streams as frames on one connection: {@link ExecFrames}.
 *
 * <p>When the client closes the connection, the command is ended.
 */
final class ExecStream {
    private final Exec exec;
    private final DataInputStream in;
    private final DataOutputStream out;

    ExecStream(Exec exec, InputStream in, OutputStream out) {
        this.exec = exec;
        this.in = new DataInputStream(in);
        this.out = new DataOutputStream(new java.io.BufferedOutputStream(out, ExecFrames.MAX + 16));
    }

    /** Returns when the command has ended and the client has been told, or when the client has gone. */
    void run() throws IOException, InterruptedException {
        try (exec) {
            Thread input = Thread.ofVirtual().name("exec input").start(this::input);
            Thread errors = Thread.ofVirtual().name("exec stderr").start(() -> copy(ExecFrames.STDERR, exec.stderr()));
            copy(ExecFrames.STDOUT, exec.stdout());
            errors.join();
            try {
                ExitStatus exit = exec.exited().get();
                json(
                        ExecFrames.EXIT,
                        MachineViews.JSON
                                .objectNode()
                                .put("exit_code", exit.code())
                                .put("signal", exit.signal())
                                .put("oom_killed", exit.oomKilled()));
            } catch (ExecutionException e) {
                json(
                        ExecFrames.ERROR,
                        ErrorBody.of(500, "the command was lost: " + e.getCause())
                                .body());
            }
            input.interrupt();
        }
    }

    private void json(byte type, tools.jackson.databind.JsonNode body) throws IOException {
        byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
        frame(type, bytes, bytes.length);
    }

    private void copy(byte type, InputStream from) {
        byte[] buffer = new byte[ExecFrames.MAX];
        try {
            for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
                frame(type, buffer, n);
            }
        } catch (IOException e) {
            exec.close();
        }
    }

    private synchronized void frame(byte type, byte[] payload, int length) throws IOException {
        out.writeByte(type);
        out.writeInt(length);
        out.write(payload, 0, length);
        out.flush();
    }

    /** Processes the client's frames until it leaves or sends an invalid frame. */
    private void input() {
        try {
            while (take()) {
                // Processes the next frame.
            }
        } catch (IOException e) {
            exec.close();
        }
    }

    private boolean take() throws IOException {
        int type = in.read();
        if (type < 0) {
            throw new EOFException("the client has gone");
        }
        int length = in.readInt();
        if (length < 0 || length > ExecFrames.MAX) {
            throw new IOException("a frame of " + length + " bytes");
        }
        byte[] payload = in.readNBytes(length);
        if (payload.length < length) {
            throw new EOFException("the client has gone");
        }
        switch (type) {
            case ExecFrames.STDIN -> stdin(payload);
            case ExecFrames.RESIZE -> {
                if (length == 4) {
                    exec.resize(new ExecSpec.Tty(number(payload, 0), number(payload, 2)));
                }
            }
            case ExecFrames.SIGNAL -> {
                if (length == 1) {
                    exec.signal(payload[0]);
                }
            }
            default -> throw new IOException("a frame of type " + type);
        }
        return true;
    }

    private void stdin(byte[] payload) {
        try {
            if (payload.length == 0) {
                exec.stdin().close();
            } else {
                exec.stdin().write(payload);
                exec.stdin().flush();
            }
        } catch (IOException e) {
            // The command no longer reads its input; signals and the client's departure must still reach it.
        }
    }

    private static int number(byte[] bytes, int at) {
        return (bytes[at] & 0xff) << 8 | (bytes[at + 1] & 0xff);
    }
}
