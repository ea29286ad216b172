package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpRequestEncoder;
import io.netty.util.ReferenceCountUtil;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * By hand: what a request's head costs on its way through the edge, with its own reader and with Netty's codec, by turns
 * in one JVM. {@code ./allod test -pl edge -Dtest=HeadCodecComparison}; the figures are in decision 050.
 */
class HeadCodecComparison {
    private static final List<byte[]> HEADS = List.of(
                    "GET / HTTP/1.1\r\nHost: hello.localhost\r\nUser-Agent: curl/8.5\r\nAccept: */*\r\n\r\n",
                    "GET /app/main.js?v=3 HTTP/1.1\r\nHost: hello.localhost\r\nConnection: keep-alive\r\n"
                            + "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n"
                            + "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36\r\n"
                            + "sec-ch-ua-platform: \"Linux\"\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
                            + "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n"
                            + "Referer: http://hello.localhost/\r\nAccept-Encoding: gzip, deflate, br\r\n"
                            + "Accept-Language: en-US,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n",
                    "GET /v1/items/42 HTTP/1.1\r\nHost: hello.localhost\r\nAuthorization: Bearer 0123456789abcdef\r\n"
                            + "Accept: application/json\r\nX-Request-Id: 7f3a\r\n\r\n")
            .stream()
            .map(text -> text.getBytes(StandardCharsets.US_ASCII))
            .toList();
    private static final ClientInfo PEER = ClientInfo.of(
            new InetSocketAddress("192.0.2.7", 4711), new InetSocketAddress("192.0.2.1", 80), false, "local");
    private static final String ID = "01KDVDNA00BK0VXTWDM5JRXV38";
    private static final int ROUND = 300_000;

    /** As the edge does it. */
    private static final class Own extends ChannelInboundHandlerAdapter {
        private final RequestHead head = new RequestHead(EdgeConfig.Limits.usual());
        private final HeadWriter out = new HeadWriter();

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf in = (ByteBuf) message;
            int length = in.readableBytes();
            in.getBytes(in.readerIndex(), head.headers.bytes, 0, length);
            head.parse(HeaderBlock.headEnd(head.headers.bytes, 0, length));
            in.release();
            head.rewrite(out, PEER, ID);
            context.write(out.toBuffer(context.alloc(), 0));
        }
    }

    /** The same with the codec's objects. */
    private static final class Codec extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message instanceof HttpRequest request) {
                request.headers()
                        .remove(HttpHeaderNames.CONNECTION)
                        .add("x-forwarded-for", "192.0.2.7")
                        .add("x-forwarded-proto", "http")
                        .add("x-forwarded-port", "80")
                        .add("fly-client-ip", "192.0.2.7")
                        .add("fly-forwarded-port", "80")
                        .add("fly-region", "local")
                        .add("via", "1.1 allod")
                        .add("fly-request-id", ID);
            }
            context.write(message);
        }
    }

    private record Figure(double nanos, double bytes) {}

    private static Figure round(EmbeddedChannel channel) {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = threads.getCurrentThreadAllocatedBytes();
        long began = System.nanoTime();
        long sent = 0;
        for (int i = 0; i < ROUND; i++) {
            byte[] head = HEADS.get(i % HEADS.size());
            ByteBuf in = ByteBufAllocator.DEFAULT.directBuffer(head.length);
            in.writeBytes(head);
            channel.writeInbound(in);
            channel.flushOutbound();
            for (Object out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
                sent += ((ByteBuf) out).readableBytes();
                ReferenceCountUtil.release(out);
            }
        }
        assertThat(sent).isGreaterThan(ROUND * 200L);
        return new Figure(
                (System.nanoTime() - began) / (double) ROUND,
                (threads.getCurrentThreadAllocatedBytes() - allocated) / (double) ROUND);
    }

    @Test
    void head_throughTheEdge_costs() {
        EmbeddedChannel own = new EmbeddedChannel(new Own());
        EmbeddedChannel codec = new EmbeddedChannel(new HttpRequestDecoder(), new HttpRequestEncoder(), new Codec());
        double[] ownNanos = new double[7];
        double[] codecNanos = new double[7];
        for (int i = -2; i < ownNanos.length; i++) {
            Figure one = round(own);
            Figure other = round(codec);
            if (i >= 0) {
                ownNanos[i] = one.nanos;
                codecNanos[i] = other.nanos;
                System.out.printf(
                        "heads: own %.0f ns, %.0f B; Netty's codec %.0f ns, %.0f B%n",
                        one.nanos, one.bytes, other.nanos, other.bytes);
            }
        }
        Arrays.sort(ownNanos);
        Arrays.sort(codecNanos);
        System.out.printf(
                "heads: medians own %.0f ns, Netty's codec %.0f ns, %.2f times%n",
                ownNanos[3], codecNanos[3], codecNanos[3] / ownNanos[3]);
        own.finishAndReleaseAll();
        codec.finishAndReleaseAll();
    }
}
