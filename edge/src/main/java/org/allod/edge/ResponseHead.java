package org.allod.edge;

import static org.allod.edge.HeadWriter.ascii;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Parses a response's head and writes the one that goes to the client. Reused by one event loop. */
final class ResponseHead {
    private static final byte[] VERSION = ascii("HTTP/1.1");
    private static final byte[] CHUNKED = ascii("transfer-encoding: chunked\r\n");
    private static final byte[] CLOSE = ascii("connection: close\r\n");
    private static final byte[] KEEP_ALIVE = ascii("connection: keep-alive\r\n");
    private static final byte[] UPGRADE = ascii("connection: upgrade\r\n");
    private static final byte[] OURS = ascii("via: 1.1 allod\r\nfly-request-id: ");
    private static final byte[] END = ascii("\r\n\r\n");

    /** The {@code Connection} field sent to the client. */
    enum Connection {
        /** None: in HTTP/1.1 the connection stays open by default. */
        SILENT,
        KEEP_ALIVE,
        CLOSE,
        UPGRADE
    }

    final HeaderBlock headers;
    int status;
    /** Whether the machine accepts another request on this connection. */
    boolean keepAlive;

    private int lineEnd;

    ResponseHead(EdgeConfig.Limits limits) {
        headers = new HeaderBlock(limits.headBytes(), limits.headFields());
    }

    /** Parses the head in {@code headers.bytes[0, end)}. */
    void parse(int end) {
        byte[] b = headers.bytes;
        if (end < 14 || !Arrays.equals(b, 0, 7, VERSION, 0, 7) || (b[7] != '0' && b[7] != '1') || b[8] != ' ') {
            throw new HttpParseException("the answer does not start with HTTP/1.1 or HTTP/1.0");
        }
        status = 0;
        for (int i = 9; i < 12; i++) {
            if (b[i] < '0' || b[i] > '9') {
                throw new HttpParseException("the answer's status is not three digits");
            }
            status = status * 10 + b[i] - '0';
        }
        int pos = 12;
        while (HeaderBlock.inValue(b[pos])) {
            pos++;
        }
        if (status < 100 || (b[12] != ' ' && b[12] != '\r') || b[pos] != '\r' || b[pos + 1] != '\n') {
            throw new HttpParseException("the answer's first line is malformed");
        }
        lineEnd = pos + 2;
        headers.parse(lineEnd, end);
        if (headers.chunked && headers.contentLength >= 0) {
            throw new HttpParseException("the answer has both Content-Length and Transfer-Encoding");
        }
        if (status < 200 && (headers.chunked || headers.contentLength > 0)) {
            throw new HttpParseException(
                    "an interim answer announces a body, which none has and some readers would look for");
        }
        keepAlive = b[7] == '1' ? !headers.close : headers.keepAlive && !headers.close;
    }

    /** Whether another head follows this one (1xx). */
    boolean interim() {
        return status < 200 && status != 101;
    }

    /** The framing of its body: RFC 9112, section 6.3. */
    BodyFraming body(boolean toHead) {
        if (toHead || bodiless() || status == 304) {
            return BodyFraming.Fixed.NONE;
        }
        if (headers.chunked) {
            return new BodyFraming.Chunked();
        }
        if (headers.contentLength >= 0) {
            return headers.contentLength == 0 ? BodyFraming.Fixed.NONE : new BodyFraming.Length(headers.contentLength);
        }
        return BodyFraming.Fixed.UNTIL_CLOSE;
    }

    private boolean bodiless() {
        return status < 200 || status == 204;
    }

    /**
     * Writes the head for the client.
     *
     * @param id this request's id, or null if the edge adds no field of its own, as in an interim response
     * @param chunked whether the body is sent in chunks
     */
    void rewrite(HeadWriter out, Connection connection, boolean chunked, @Nullable String id) {
        rewrite(out, connection, chunked, id, Compression.Changes.NONE);
    }

    /** As {@link #rewrite(HeadWriter, Connection, boolean, String)}, with changes to the machine's fields. */
    void rewrite(
            HeadWriter out, Connection connection, boolean chunked, @Nullable String id, Compression.Changes changes) {
        List<String> replaced = changes.without();
        byte[] b = headers.bytes;
        out.clear().put(VERSION).put(b, 8, lineEnd);
        headers.copy(out, i -> passes(i) && !replaces(replaced, i));
        if (chunked) {
            out.put(CHUNKED);
        }
        switch (connection) {
            case SILENT -> {
                // Nothing to say.
            }
            case KEEP_ALIVE -> out.put(KEEP_ALIVE);
            case CLOSE -> out.put(CLOSE);
            case UPGRADE -> out.put(UPGRADE);
        }
        out.put(changes.lines());
        if (id == null) {
            out.put(END, 2, 4);
        } else {
            out.put(OURS).put(id).put(END);
        }
    }

    private boolean replaces(List<String> names, int i) {
        for (String name : names) {
            if (headers.is(headers.start[i], headers.nameEnd[i], name)) {
                return true;
            }
        }
        return false;
    }

    private boolean passes(int i) {
        return switch (headers.field[i]) {
            case CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHENTICATE, TE, TRANSFER_ENCODING, FLY_REQUEST_ID ->
                false;
            case UPGRADE -> status == 101;
            case CONTENT_LENGTH -> !bodiless();
            case OTHER -> !headers.nominated(i);
            case HOST,
                    PROXY_AUTHORIZATION,
                    HTTP2_SETTINGS,
                    EXPECT,
                    ACCEPT,
                    FORWARDED,
                    X_FORWARDED_FOR,
                    X_FORWARDED_PROTO,
                    X_FORWARDED_PORT,
                    X_FORWARDED_HOST,
                    X_FORWARDED_SSL,
                    X_REAL_IP,
                    FLY_CLIENT_IP,
                    FLY_REGION,
                    FLY_FORWARDED_PORT,
                    SPOOFED -> true;
        };
    }
}
