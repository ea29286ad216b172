package org.allod.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** A command that runs over a {@link GuestLink}. */
final class RemoteExec implements Exec {
    private static final int PIECE = 16384;

    private final GuestLink link;
    private final int id;
    private final WindowedInputStream stdout;
    private final WindowedInputStream stderr;
    private final Input stdin = new Input();
    private final CompletableFuture<ExitStatus> exited = new CompletableFuture<>();

    RemoteExec(GuestLink link, int id) {
        this.link = link;
        this.id = id;
        this.stdout = new WindowedInputStream(bytes -> link.send(new HostFrame.Credit(id, 1, bytes)));
        this.stderr = new WindowedInputStream(bytes -> link.send(new HostFrame.Credit(id, 2, bytes)));
    }

    void data(int stream, byte[] bytes) {
        flow(stream).put(bytes);
    }

    void dataEnd(int stream) {
        flow(stream).end();
    }

    void granted(int bytes) {
        stdin.grant(bytes);
    }

    void ended(ExitStatus exit) {
        stdout.end();
        stderr.end();
        stdin.shut("the command has ended");
        exited.complete(exit);
    }

    void lost(String reason) {
        stdout.fail(reason);
        stderr.fail(reason);
        stdin.shut(reason);
        exited.complete(ExitStatus.LOST);
    }

    private WindowedInputStream flow(int stream) {
        return stream == 1 ? stdout : stderr;
    }

    @Override
    public OutputStream stdin() {
        return stdin;
    }

    @Override
    public InputStream stdout() {
        return stdout;
    }

    @Override
    public InputStream stderr() {
        return stderr;
    }

    @Override
    public void resize(ExecSpec.Tty size) {
        if (!exited.isDone()) {
            link.send(new HostFrame.Resize(id, size.columns(), size.rows()));
        }
    }

    @Override
    public void signal(int signal) {
        if (!exited.isDone()) {
            link.send(new HostFrame.Signal(id, signal));
        }
    }

    @Override
    public CompletableFuture<ExitStatus> exited() {
        return exited.copy();
    }

    @Override
    public void close() {
        if (!exited.isDone()) {
            link.forget(id);
            lost("closed");
        }
    }

    /** Blocks while the guest has granted no window. */
    private final class Input extends OutputStream {
        private int window = GuestProtocol.STREAM_WINDOW;
        private String closed = "";

        synchronized void grant(int bytes) {
            window += bytes;
            notifyAll();
        }

        synchronized void shut(String reason) {
            if (closed.isEmpty()) {
                closed = reason;
            }
            notifyAll();
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] from, int at, int length) throws IOException {
            Objects.checkFromIndexSize(at, length, from.length);
            int done = 0;
            while (done < length) {
                int count = claim(Math.min(PIECE, length - done));
                byte[] piece = new byte[count];
                System.arraycopy(from, at + done, piece, 0, count);
                link.send(new HostFrame.Input(id, piece));
                done += count;
            }
        }

        private synchronized int claim(int wanted) throws IOException {
            while (window == 0 && closed.isEmpty()) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted while writing to a command", e);
                }
            }
            if (!closed.isEmpty()) {
                throw new IOException("cannot write to the command: " + closed);
            }
            int count = Math.min(wanted, window);
            window -= count;
            return count;
        }

        @Override
        public void close() {
            boolean first;
            synchronized (this) {
                first = closed.isEmpty();
                shut("its input is closed");
            }
            if (first) {
                link.send(new HostFrame.InputEnd(id));
            }
        }
    }
}
