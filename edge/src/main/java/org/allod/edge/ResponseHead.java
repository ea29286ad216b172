package org.allod.edge;

import static org.allod.edge.HeadWriter.ascii;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a response's head and writes the one that goes to the client. Reused by one event loop. */
final class ResponseHead {
    private static final byte[] VERSION = ascii("HTTP/1.1");
    private static final byte[] CHUNKED = ascii("transfer-encoding: chunked\r\n");
    private static final byte[] CLOSE = ascii("connection: close\r\n");
    private static final byte[] KEEP_ALIVE = ascii("connection: keep-alive\r\n");
    private static final byte[] UPGRADE = ascii("connection: upgrade\r\n");
    private static final byte[] OURS = ascii("via: 1.1 allod\r\nfly-request-id: ");
    private static final byte[] END = ascii("\r\n\r\n");

    /** What the client is told about its connection. */
    enum Connection {
        /** HTTP/1.1 keeps it open without saying so. */
        SILENT,
        KEEP_ALIVE,
        CLOSE,
        UPGRADE
    }

    final Fields fields;
    int status;
    /** Whether the machine will take another request on this connection. */
    boolean keepAlive;

    private int lineEnd;

    ResponseHead(EdgeConfig.Limits limits) {
        fields = new Fields(limits.headBytes(), limits.headFields());
    }

    /** Reads the head in {@code fields.bytes[0, end)}. */
    void parse(int end) {
        byte[] b = fields.bytes;
        if (end < 14 || !Arrays.equals(b, 0, 7, VERSION, 0, 7) || (b[7] != '0' && b[7] != '1') || b[8] != ' ') {
            throw new BadMessage("the answer does not start with HTTP/1.1 or HTTP/1.0");
        }
        status = 0;
        for (int i = 9; i < 12; i++) {
            if (b[i] < '0' || b[i] > '9') {
                throw new BadMessage("the answer's status is not three digits");
            }
            status = status * 10 + b[i] - '0';
        }
        int pos = 12;
        while (Fields.inValue(b[pos])) {
            pos++;
        }
        if (status < 100 || (b[12] != ' ' && b[12] != '\r') || b[pos] != '\r' || b[pos + 1] != '\n') {
            throw new BadMessage("the answer's first line is malformed");
        }
        lineEnd = pos + 2;
        fields.parse(lineEnd, end);
        if (fields.chunked && fields.contentLength >= 0) {
            throw new BadMessage("the answer has both Content-Length and Transfer-Encoding");
        }
        if (status < 200 && (fields.chunked || fields.contentLength > 0)) {
            throw new BadMessage("an interim answer announces a body, which none has and some readers would look for");
        }
        keepAlive = b[7] == '1' ? !fields.close : fields.keepAlive && !fields.close;
    }

    /** Whether another head follows this one. */
    boolean interim() {
        return status < 200 && status != 101;
    }

    /** Where its body ends: RFC 9112, section 6.3. */
    Body body(boolean toHead) {
        if (toHead || bodiless() || status == 304) {
            return Body.Fixed.NONE;
        }
        if (fields.chunked) {
            return new Body.Chunked();
        }
        if (fields.contentLength >= 0) {
            return fields.contentLength == 0 ? Body.Fixed.NONE : new Body.Length(fields.contentLength);
        }
        return Body.Fixed.UNTIL_CLOSE;
    }

    private boolean bodiless() {
        return status < 200 || status == 204;
    }

    /**
     * Writes the head for the client.
     *
     * @param id this request's id, or null where the edge adds nothing of its own, as in an interim answer
     * @param chunked whether the body goes out in chunks
     */
    void rewrite(HeadWriter out, Connection connection, boolean chunked, @Nullable String id) {
        rewrite(out, connection, chunked, id, Compression.Changes.NONE);
    }

    /** As {@link #rewrite(HeadWriter, Connection, boolean, String)}, with what is to be otherwise. */
    void rewrite(
            HeadWriter out, Connection connection, boolean chunked, @Nullable String id, Compression.Changes changes) {
        List<String> replaced = changes.without();
        byte[] b = fields.bytes;
        out.clear().put(VERSION).put(b, 8, lineEnd);
        fields.copy(out, i -> passes(i) && !replaces(replaced, i));
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
            if (fields.is(fields.start[i], fields.nameEnd[i], name)) {
                return true;
            }
        }
        return false;
    }

    private boolean passes(int i) {
        return switch (fields.field[i]) {
            case CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHENTICATE, TE, TRANSFER_ENCODING, FLY_REQUEST_ID ->
                false;
            case UPGRADE -> status == 101;
            case CONTENT_LENGTH -> !bodiless();
            case OTHER -> !fields.nominated(i);
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
