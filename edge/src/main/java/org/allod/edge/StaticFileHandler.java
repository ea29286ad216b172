package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.allod.base.SupervisedThread;
import org.jspecify.annotations.Nullable;

/**
 * Answers one request with a file of its app's image. Threads that may block read the disk one piece at a time, and the
 * next only when the client has taken the previous; everything else runs on the exchange's loop.
 */
final class StaticFileHandler {
    /** Small beside the send buffer of a connection. */
    private static final int PIECE = 32 << 10;

    private final Exchange exchange;
    private final EdgeLoop loop;
    private final PendingRequest request;
    private final RequestPlan.File course;

    private Statics.@Nullable Content content;
    private @Nullable GzipEncoder gzip;
    private int status;
    private long at;
    private long end;
    private boolean reading;
    private boolean keepClient;
    private boolean over;

    StaticFileHandler(Exchange exchange, RequestPlan.File course) {
        this.exchange = exchange;
        this.course = course;
        loop = exchange.client.loop;
        request = exchange.request;
    }

    void start() {
        offLoop(() -> {
            Opened found = open();
            loop.execute(() -> opened(found));
        });
    }

    private record Opened(String path, Statics.@Nullable Content content) {
        static final Opened NONE = new Opened("", null);
    }

    private Opened open() {
        for (String path : course.paths()) {
            try {
                Optional<Statics.Content> found = course.app().statics().files().open(path);
                if (found.isPresent()) {
                    return new Opened(path, found.get());
                }
            } catch (IOException | RuntimeException e) {
                // A machine can still answer; the debug log has the reason.
                Edge.LOG.log(System.Logger.Level.DEBUG, "file " + path + " of an image cannot be read", e);
            }
        }
        return Opened.NONE;
    }

    private void opened(Opened found) {
        Statics.Content file = found.content;
        if (over || file == null) {
            if (file != null) {
                close(file);
            }
            if (!over) {
                over = true;
                exchange.noFile();
            }
            return;
        }
        content = file;
        ConditionalResponse reply = ConditionalResponse.evaluate(course.asked(), found.path, file);
        status = reply.status();
        at = reply.from();
        end = request.toHead ? at : at + reply.length();
        keepClient = request.keepAlive && !loop.closing();
        StringBuilder head = head(reply, found.path, file.tag())
                .append(!keepClient ? "connection: close\r\n" : request.http10 ? "connection: keep-alive\r\n" : "")
                .append("\r\n");
        exchange.filePiece(ByteBufUtil.writeAscii(exchange.client.allocator(), head));
        next();
    }

    /** The head without the connection fields. */
    private StringBuilder head(ConditionalResponse reply, String path, String tag) {
        HttpOptions options = course.app().http();
        if (!options.compress() || !reply.shrinks(path)) {
            return reply.head(options, options.changes(), request.id);
        }
        if (!course.gzip() || request.toHead) {
            return reply.head(options, Compression.addVary().and(options.changes()), request.id);
        }
        gzip = new GzipEncoder();
        String own = options.replaced().contains("etag") ? "" : "\"" + tag + "\"";
        return reply.head(options, Compression.compressed(own).and(options.changes()), request.id)
                .append("transfer-encoding: chunked\r\n");
    }

    /** The client has taken what was sent. */
    void next() {
        Statics.Content file = content;
        if (over || reading || file == null) {
            return;
        }
        if (at == end) {
            exchange.answered(status, keepClient);
        } else if (exchange.client.writable()) {
            reading = true;
            long from = at;
            byte[] piece = new byte[(int) Math.min(PIECE, end - from)];
            offLoop(() -> {
                try {
                    int count = file.read(ByteBuffer.wrap(piece), from);
                    loop.execute(() -> read(piece, count));
                } catch (IOException | RuntimeException e) {
                    loop.execute(() -> broken(e));
                }
            });
        }
    }

    private void read(byte[] piece, int count) {
        reading = false;
        if (over) {
            return;
        }
        if (count <= 0) {
            broken(new IOException("it has become shorter"));
            return;
        }
        at += count;
        ByteBuf plain = Unpooled.wrappedBuffer(piece, 0, count);
        GzipEncoder squeezed = gzip;
        exchange.filePiece(squeezed == null ? plain : squeezed.pass(plain, at == end, exchange.client.allocator()));
        next();
    }

    private void broken(Exception why) {
        if (!over) {
            Edge.LOG.log(System.Logger.Level.WARNING, "a file of an image cannot be read on", why);
            exchange.abort();
        }
    }

    /** Cancels: no callback follows. A read in progress fails silently. */
    void cancel() {
        over = true;
        Statics.Content file = content;
        if (file != null) {
            content = null;
            close(file);
        }
        GzipEncoder squeezed = gzip;
        if (squeezed != null) {
            gzip = null;
            squeezed.close();
        }
    }

    private static void close(Statics.Content file) {
        try {
            file.close();
        } catch (IOException e) {
            Edge.LOG.log(System.Logger.Level.DEBUG, "a file that was only read does not close", e);
        }
    }

    private static void offLoop(Runnable task) {
        Thread _ = SupervisedThread.start("edge-file", task);
    }
}
