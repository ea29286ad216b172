package org.allod.edge;

import static org.allod.edge.HeadWriter.ascii;

import java.util.function.IntPredicate;

/**
 * Parses a request's head and writes the one that goes to the machine. Refuses whatever two parsers could read
 * differently, and drops hop-by-hop fields and fields that a client must not forge. Reused by one event loop.
 */
final class RequestHead {
    private static final int MAX_METHOD = 24;
    private static final byte[] VERSION = ascii(" HTTP/1.1\r\n");
    private static final byte[] CHUNKED = ascii("transfer-encoding: chunked\r\n");
    private static final byte[] UPGRADE = ascii("connection: upgrade\r\nupgrade: ");
    private static final byte[] REQUEST_ID = ascii("fly-request-id: ");
    private static final byte[] LINE = ascii("\r\n");

    /** The media type for an error response. */
    enum Wants {
        TEXT,
        HTML,
        JSON
    }

    final HeaderBlock headers;
    String host = "";
    boolean http10;
    boolean head;
    /** Safe to send a second time if a pooled connection turns out to be closed. */
    boolean repeatable;

    boolean keepAlive;
    boolean upgrade;
    Wants wants = Wants.TEXT;

    private final IntPredicate passes = this::passes;
    private int methodEnd;
    private int targetStart;
    private int targetEnd;
    private int pathStart;
    private int hostField;

    RequestHead(EdgeConfig.Limits limits) {
        headers = new HeaderBlock(limits.headBytes(), limits.headFields());
    }

    /** Parses the head in {@code headers.bytes[0, end)}. */
    void parse(int end) {
        requestLine();
        int lineEnd = targetEnd + VERSION.length;
        headers.parse(lineEnd, end);
        findHost();
        framing();
        wants = wants();
    }

    private void requestLine() {
        byte[] b = headers.bytes;
        int pos = 0;
        while (HeaderBlock.token(b[pos])) {
            pos++;
        }
        if (pos == 0 || pos > MAX_METHOD || b[pos] != ' ') {
            throw new HttpParseException("the request line does not start with a method and a space");
        }
        methodEnd = pos++;
        targetStart = pos;
        while (b[pos] > 0x20 && b[pos] != 0x7f) {
            pos++;
        }
        targetEnd = pos;
        if (pos == targetStart || b[pos] != ' ') {
            throw new HttpParseException("the request's target is empty or holds a byte that must be percent-encoded");
        }
        version(pos + 1);
        if (headers.is(0, methodEnd, "connect")) {
            throw new HttpParseException(Problem.UNSUPPORTED, "CONNECT: the edge is no forward proxy");
        }
        head = headers.is(0, methodEnd, "head");
        repeatable = head || headers.is(0, methodEnd, "get") || headers.is(0, methodEnd, "options");
    }

    private void version(int at) {
        byte[] b = headers.bytes;
        boolean version = b[at] == 'H'
                && b[at + 1] == 'T'
                && b[at + 2] == 'T'
                && b[at + 3] == 'P'
                && b[at + 4] == '/'
                && digit(b[at + 5])
                && b[at + 6] == '.'
                && digit(b[at + 7])
                && b[at + 8] == '\r'
                && b[at + 9] == '\n';
        if (!version) {
            throw new HttpParseException("the request line does not end in HTTP/1.1 and CR LF");
        }
        if (b[at + 5] != '1' || b[at + 7] > '1') {
            throw new HttpParseException(Problem.UNSUPPORTED_VERSION, "the edge speaks HTTP/1.1 and HTTP/1.0 here");
        }
        http10 = b[at + 7] == '0';
    }

    private static boolean digit(byte b) {
        return b >= '0' && b <= '9';
    }

    /** Takes the host from the Host field; if the target names a host too, both must agree. */
    private void findHost() {
        hostField = -1;
        for (int i = 0; i < headers.count; i++) {
            if (headers.field[i] == HeaderName.HOST) {
                if (hostField >= 0) {
                    throw new HttpParseException("more than one Host");
                }
                hostField = i;
            }
        }
        if (hostField < 0) {
            throw new HttpParseException("no Host, so it is not known which app is meant");
        }
        host = headers.value(hostField);
        if (!HostName.valid(host)) {
            throw new HttpParseException("Host is not a host name with or without a port");
        }
        pathStart = targetStart;
        byte first = headers.bytes[targetStart];
        if (first == '/') {
            return;
        }
        if (first == '*' && targetEnd == targetStart + 1 && headers.is(0, methodEnd, "options")) {
            return;
        }
        absolute();
    }

    private void absolute() {
        String scheme = "http://";
        if (targetEnd - targetStart <= scheme.length()
                || !headers.is(targetStart, targetStart + scheme.length(), scheme)) {
            throw new HttpParseException("the request's target is neither a path nor an http:// address");
        }
        int from = targetStart + scheme.length();
        int slash = from;
        while (slash < targetEnd && headers.bytes[slash] != '/' && headers.bytes[slash] != '?') {
            slash++;
        }
        if (!headers.text(from, slash).equalsIgnoreCase(host)) {
            throw new HttpParseException("the request's target and its Host name different hosts");
        }
        if (slash < targetEnd && headers.bytes[slash] == '?') {
            throw new HttpParseException("the request's target has no path");
        }
        pathStart = slash;
    }

    private void framing() {
        if (headers.chunked && headers.contentLength >= 0) {
            throw new HttpParseException("both Content-Length and Transfer-Encoding");
        }
        if (headers.chunked && http10) {
            throw new HttpParseException("Transfer-Encoding in HTTP/1.0");
        }
        boolean body = headers.chunked || headers.contentLength > 0;
        keepAlive = http10 ? headers.keepAlive && !headers.close : !headers.close;
        repeatable &= !body;
        int asked = headers.first(HeaderName.UPGRADE);
        // With "h2c" a client could speak HTTP/2 past the edge's checks, so it is not forwarded.
        upgrade = headers.upgrade
                && asked >= 0
                && !http10
                && !body
                && !headers.text(headers.valueStart[asked], headers.valueEnd[asked])
                        .toLowerCase(java.util.Locale.ROOT)
                        .contains("h2c");
    }

    /** The requested path and query. */
    String path() {
        return pathStart < targetEnd ? headers.text(pathStart, targetEnd) : "/";
    }

    /** {@code GET} or {@code HEAD}: requests that a static file can answer. */
    boolean readsOnly() {
        return head || headers.is(0, methodEnd, "get");
    }

    ConditionalResponse.Asked asked() {
        return new ConditionalResponse.Asked(
                headers.text("if-none-match"),
                headers.text("if-modified-since"),
                headers.text("range"),
                headers.text("if-range"));
    }

    BodyFraming body() {
        return headers.chunked
                ? new BodyFraming.Chunked()
                : headers.contentLength > 0 ? new BodyFraming.Length(headers.contentLength) : BodyFraming.Fixed.NONE;
    }

    private Wants wants() {
        int accept = headers.first(HeaderName.ACCEPT);
        if (accept < 0) {
            return Wants.TEXT;
        }
        byte[] b = headers.bytes;
        for (int pos = headers.valueStart[accept]; pos + 9 <= headers.valueEnd[accept]; pos++) {
            if (b[pos] == 't' && headers.is(pos, pos + 9, "text/html")) {
                return Wants.HTML;
            }
            if (b[pos] == 'a'
                    && pos + 16 <= headers.valueEnd[accept]
                    && headers.is(pos, pos + 16, "application/json")) {
                return Wants.JSON;
            }
        }
        return Wants.TEXT;
    }

    /**
     * Writes the head for the machine.
     *
     * @param clientInfo fields that describe the client
     * @param id this request's id
     */
    void rewrite(HeadWriter out, ClientInfo clientInfo, String id) {
        byte[] b = headers.bytes;
        out.clear().put(b, 0, targetStart);
        if (pathStart < targetEnd) {
            out.put(b, pathStart, targetEnd);
        } else {
            out.put(headers.is(0, methodEnd, "options") ? "*" : "/");
        }
        out.put(VERSION);
        headers.copy(out, passes);
        if (headers.chunked) {
            out.put(CHUNKED);
        }
        if (upgrade) {
            int i = headers.first(HeaderName.UPGRADE);
            out.put(UPGRADE).put(b, headers.valueStart[i], headers.valueEnd[i]).put(LINE);
        }
        forwardedFor(out, clientInfo);
        out.put(clientInfo.fields()).put(REQUEST_ID).put(id).put(LINE).put(LINE);
    }

    private boolean passes(int i) {
        return switch (headers.field[i]) {
            case HOST, CONTENT_LENGTH, ACCEPT -> true;
            case EXPECT -> !http10;
            case OTHER -> !headers.nominated(i);
            case CONNECTION,
                    KEEP_ALIVE,
                    PROXY_CONNECTION,
                    PROXY_AUTHORIZATION,
                    PROXY_AUTHENTICATE,
                    TE,
                    TRANSFER_ENCODING,
                    UPGRADE,
                    HTTP2_SETTINGS,
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
                    FLY_REQUEST_ID,
                    SPOOFED -> false;
        };
    }

    /**
     * One line with the addresses that the client claims, followed by its real one. An application that needs the real
     * address reads fly-client-ip, which a client cannot forge.
     */
    private void forwardedFor(HeadWriter out, ClientInfo clientInfo) {
        out.put(ClientInfo.FORWARDED_FOR);
        for (int i = headers.first(HeaderName.X_FORWARDED_FOR); i >= 0 && i < headers.count; i++) {
            if (headers.field[i] == HeaderName.X_FORWARDED_FOR && headers.valueStart[i] < headers.valueEnd[i]) {
                out.put(headers.bytes, headers.valueStart[i], headers.valueEnd[i])
                        .put(", ");
            }
        }
        out.put(clientInfo.address()).put(LINE);
    }
}
