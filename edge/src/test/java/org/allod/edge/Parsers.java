package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The edge's own parser and Netty's, on bytes alone. */
final class Parsers {
    private static final EdgeConfig.Limits LIMITS = EdgeConfig.Limits.usual();
    private static final int MOST = 1 << 16;
    private static final ClientInfo PEER = ClientInfo.of(
            new InetSocketAddress("192.0.2.7", 4711), new InetSocketAddress("192.0.2.1", 80), false, "local");

    private final RequestHead request = new RequestHead(LIMITS);
    private final ResponseHead response = new ResponseHead(LIMITS);
    private final HeadWriter out = new HeadWriter();

    /**
     * What the edge made of bytes.
     *
     * @param forwarded what it sends on for each message that is whole
     */
    record Ours(ReadMessage.All read, List<byte[]> forwarded) {}

    /** As {@link ClientConnection} and {@link Exchange} do, one request after the other. */
    Ours requests(byte[] bytes) {
        List<ReadMessage> messages = new ArrayList<>();
        List<byte[]> forwarded = new ArrayList<>();
        ByteBuf in = Unpooled.wrappedBuffer(bytes);
        String error = "";
        boolean closed = false;
        try {
            while (!closed && in.isReadable()) {
                while (in.readableBytes() >= 2
                        && in.getByte(in.readerIndex()) == '\r'
                        && in.getByte(in.readerIndex() + 1) == '\n') {
                    in.skipBytes(2);
                }
                int length = in.readableBytes();
                in.getBytes(in.readerIndex(), request.headers.bytes, 0, length);
                int end = HeaderBlock.headEnd(request.headers.bytes, 0, length);
                if (end < 0) {
                    break;
                }
                request.parse(end);
                String line = request.headers.text(0, end);
                String method = line.substring(0, line.indexOf(' '));
                String target = line.split(" ", 3)[1];
                List<String> headers = headers(request.headers);
                int minor = request.http10 ? 0 : 1;
                request.rewrite(out, PEER, "01");
                byte[] head = bytes(out.toBuffer(Unpooled.buffer().alloc(), 0));
                BodyFraming body = request.body();
                in.skipBytes(end);
                closed = request.upgrade || !request.keepAlive;
                error = body(
                        in,
                        body,
                        forwarded,
                        head,
                        (text, done) -> messages.add(new ReadMessage(method, target, 0, minor, headers, text, done)));
                if (!error.isEmpty() || !body.done()) {
                    break;
                }
            }
        } catch (HttpParseException bad) {
            error = bad.why();
        }
        return new Ours(new ReadMessage.All(messages, error, closed), forwarded);
    }

    /** As {@link ResponseForwarder} does, for as long as the machine's connection can be used again. */
    Ours responses(byte[] bytes) {
        List<ReadMessage> messages = new ArrayList<>();
        List<byte[]> forwarded = new ArrayList<>();
        ByteBuf in = Unpooled.wrappedBuffer(bytes);
        String error = "";
        boolean closed = false;
        try {
            while (!closed && in.isReadable()) {
                int length = in.readableBytes();
                in.getBytes(in.readerIndex(), response.headers.bytes, 0, length);
                int end = HeaderBlock.headEnd(response.headers.bytes, 0, length);
                if (end < 0) {
                    break;
                }
                response.parse(end);
                int status = response.status;
                int minor = response.headers.bytes[7] - '0';
                List<String> headers = headers(response.headers);
                BodyFraming body = response.body(false);
                response.rewrite(
                        out,
                        response.keepAlive ? ResponseHead.Connection.SILENT : ResponseHead.Connection.CLOSE,
                        body instanceof BodyFraming.Chunked,
                        "01");
                byte[] head = bytes(out.toBuffer(Unpooled.buffer().alloc(), 0));
                in.skipBytes(end);
                closed = status == 101 || (!response.interim() && !response.keepAlive) || body.untilClose();
                error = body(
                        in,
                        body,
                        forwarded,
                        head,
                        (text, done) -> messages.add(new ReadMessage("", "", status, minor, headers, text, done)));
                if (!error.isEmpty() || !body.done()) {
                    break;
                }
            }
        } catch (HttpParseException bad) {
            error = bad.why();
        }
        return new Ours(new ReadMessage.All(messages, error, closed), forwarded);
    }

    private interface Then {
        void message(String body, boolean done);
    }

    /** What is wrong with the body, or nothing. */
    private static String body(ByteBuf in, BodyFraming body, List<byte[]> forwarded, byte[] head, Then then) {
        ByteBuf data = Unpooled.buffer();
        String error = "";
        int start = in.readerIndex();
        try {
            int taken = body.accept(in, data);
            if (!(body instanceof BodyFraming.Chunked)) {
                data.writeBytes(in, start, taken);
            }
            in.skipBytes(taken);
        } catch (HttpParseException bad) {
            error = bad.why();
        }
        if (error.isEmpty() && body.done()) {
            byte[] whole = Arrays.copyOf(head, head.length + in.readerIndex() - start);
            in.getBytes(start, whole, head.length, whole.length - head.length);
            forwarded.add(whole);
        }
        then.message(data.toString(StandardCharsets.ISO_8859_1), error.isEmpty() && body.done());
        return error;
    }

    private static List<String> headers(HeaderBlock fields) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < fields.count; i++) {
            all.add(ReadMessage.header(fields.name(i), fields.value(i)));
        }
        return all;
    }

    private static byte[] bytes(ByteBuf from) {
        byte[] bytes = new byte[from.readableBytes()];
        from.readBytes(bytes);
        from.release();
        return bytes;
    }

    static ReadMessage.All netty(byte[] bytes, boolean requests) {
        HttpDecoderConfig config = new HttpDecoderConfig()
                .setMaxInitialLineLength(MOST)
                .setMaxHeaderSize(MOST)
                .setMaxChunkSize(MOST);
        ChannelHandler decoder = requests ? new HttpRequestDecoder(config) : new HttpResponseDecoder(config);
        EmbeddedChannel channel = new EmbeddedChannel(decoder);
        List<ReadMessage> messages = new ArrayList<>();
        String error = "";
        HttpMessage head = null;
        StringBuilder body = new StringBuilder();
        try {
            channel.writeInbound(Unpooled.wrappedBuffer(bytes));
            for (Object read = channel.readInbound(); read != null; read = channel.readInbound()) {
                try {
                    if (read instanceof io.netty.handler.codec.http.HttpObject part
                            && part.decoderResult().isFailure()) {
                        error = String.valueOf(part.decoderResult().cause());
                        break;
                    }
                    if (read instanceof HttpMessage message) {
                        head = message;
                        body.setLength(0);
                    }
                    if (read instanceof HttpContent content) {
                        body.append(content.content().toString(StandardCharsets.ISO_8859_1));
                    }
                    if (read instanceof LastHttpContent) {
                        messages.add(message(head, body.toString(), true));
                        head = null;
                    }
                } finally {
                    ReferenceCountUtil.release(read);
                }
            }
            if (head != null) {
                messages.add(message(head, body.toString(), false));
            }
        } catch (io.netty.handler.codec.DecoderException e) {
            error = e.toString();
        } finally {
            channel.finishAndReleaseAll();
        }
        return new ReadMessage.All(messages, error, false);
    }

    private static ReadMessage message(HttpMessage head, String body, boolean done) {
        List<String> headers = new ArrayList<>();
        head.headers().forEach(h -> headers.add(ReadMessage.header(h.getKey(), h.getValue())));
        int minor = head.protocolVersion().minorVersion();
        return switch (head) {
            case HttpRequest request ->
                new ReadMessage(request.method().name(), request.uri(), 0, minor, headers, body, done);
            case HttpResponse answer -> new ReadMessage("", "", answer.status().code(), minor, headers, body, done);
            default -> throw new AssertionError(head);
        };
    }
}
