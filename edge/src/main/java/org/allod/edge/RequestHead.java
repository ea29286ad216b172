package org.allod.edge;

import static org.allod.edge.HeadWriter.ascii;

import java.util.function.IntPredicate;

/**
 * Reads a request's head and writes the one that goes to the machine. Refuses whatever could be read in two ways, and
 * drops what is only for the next hop or what a client must not say about itself. Reused by one event loop.
 */
final class RequestHead {
    private static final int MAX_METHOD = 24;
    private static final byte[] VERSION = ascii(" HTTP/1.1\r\n");
    private static final byte[] CHUNKED = ascii("transfer-encoding: chunked\r\n");
    private static final byte[] UPGRADE = ascii("connection: upgrade\r\nupgrade: ");
    private static final byte[] REQUEST_ID = ascii("fly-request-id: ");
    private static final byte[] LINE = ascii("\r\n");

    /** What kind of page an error should be. */
    enum Wants {
        TEXT,
        HTML,
        JSON
    }

    final Fields fields;
    String host = "";
    boolean http10;
    boolean head;
    /** Safe to send a second time where a connection that was kept open turns out to be closed. */
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
        fields = new Fields(limits.headBytes(), limits.headFields());
    }

    /** Reads the head in {@code fields.bytes[0, end)}. */
    void parse(int end) {
        requestLine();
        int lineEnd = targetEnd + VERSION.length;
        fields.parse(lineEnd, end);
        findHost();
        framing();
        wants = wants();
    }

    private void requestLine() {
        byte[] b = fields.bytes;
        int pos = 0;
        while (Fields.token(b[pos])) {
            pos++;
        }
        if (pos == 0 || pos > MAX_METHOD || b[pos] != ' ') {
            throw new BadMessage("the request line does not start with a method and a space");
        }
        methodEnd = pos++;
        targetStart = pos;
        while (b[pos] > 0x20 && b[pos] != 0x7f) {
            pos++;
        }
        targetEnd = pos;
        if (pos == targetStart || b[pos] != ' ') {
            throw new BadMessage("the request's target is empty or holds a byte that must be percent-encoded");
        }
        version(pos + 1);
        if (fields.is(0, methodEnd, "connect")) {
            throw new BadMessage(Problem.UNSUPPORTED, "CONNECT: the edge is no forward proxy");
        }
        head = fields.is(0, methodEnd, "head");
        repeatable = head || fields.is(0, methodEnd, "get") || fields.is(0, methodEnd, "options");
    }

    private void version(int at) {
        byte[] b = fields.bytes;
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
            throw new BadMessage("the request line does not end in HTTP/1.1 and CR LF");
        }
        if (b[at + 5] != '1' || b[at + 7] > '1') {
            throw new BadMessage(Problem.UNSUPPORTED_VERSION, "the edge speaks HTTP/1.1 and HTTP/1.0 here");
        }
        http10 = b[at + 7] == '0';
    }

    private static boolean digit(byte b) {
        return b >= '0' && b <= '9';
    }

    /** From the Host field, and from the target where that names one too: then both must say the same. */
    private void findHost() {
        hostField = -1;
        for (int i = 0; i < fields.count; i++) {
            if (fields.field[i] == Field.HOST) {
                if (hostField >= 0) {
                    throw new BadMessage("more than one Host");
                }
                hostField = i;
            }
        }
        if (hostField < 0) {
            throw new BadMessage("no Host, so it is not known which app is meant");
        }
        host = fields.value(hostField);
        if (!HostName.valid(host)) {
            throw new BadMessage("Host is not a host name with or without a port");
        }
        pathStart = targetStart;
        byte first = fields.bytes[targetStart];
        if (first == '/') {
            return;
        }
        if (first == '*' && targetEnd == targetStart + 1 && fields.is(0, methodEnd, "options")) {
            return;
        }
        absolute();
    }

    private void absolute() {
        String scheme = "http://";
        if (targetEnd - targetStart <= scheme.length()
                || !fields.is(targetStart, targetStart + scheme.length(), scheme)) {
            throw new BadMessage("the request's target is neither a path nor an http:// address");
        }
        int from = targetStart + scheme.length();
        int slash = from;
        while (slash < targetEnd && fields.bytes[slash] != '/' && fields.bytes[slash] != '?') {
            slash++;
        }
        if (!fields.text(from, slash).equalsIgnoreCase(host)) {
            throw new BadMessage("the request's target and its Host name different hosts");
        }
        if (slash < targetEnd && fields.bytes[slash] == '?') {
            throw new BadMessage("the request's target has no path");
        }
        pathStart = slash;
    }

    private void framing() {
        if (fields.chunked && fields.contentLength >= 0) {
            throw new BadMessage("both Content-Length and Transfer-Encoding");
        }
        if (fields.chunked && http10) {
            throw new BadMessage("Transfer-Encoding in HTTP/1.0");
        }
        boolean body = fields.chunked || fields.contentLength > 0;
        keepAlive = http10 ? fields.keepAlive && !fields.close : !fields.close;
        repeatable &= !body;
        int asked = fields.first(Field.UPGRADE);
        // "h2c" would let a client talk HTTP/2 past everything we check, so it is not passed on.
        upgrade = fields.upgrade
                && asked >= 0
                && !http10
                && !body
                && !fields.text(fields.valueStart[asked], fields.valueEnd[asked])
                        .toLowerCase(java.util.Locale.ROOT)
                        .contains("h2c");
    }

    /** The path and query that were asked for. */
    String path() {
        return pathStart < targetEnd ? fields.text(pathStart, targetEnd) : "/";
    }

    /** {@code GET} or {@code HEAD}, which a file can answer. */
    boolean readsOnly() {
        return head || fields.is(0, methodEnd, "get");
    }

    FileReply.Asked asked() {
        return new FileReply.Asked(
                fields.text("if-none-match"),
                fields.text("if-modified-since"),
                fields.text("range"),
                fields.text("if-range"));
    }

    Body body() {
        return fields.chunked
                ? new Body.Chunked()
                : fields.contentLength > 0 ? new Body.Length(fields.contentLength) : Body.Fixed.NONE;
    }

    private Wants wants() {
        int accept = fields.first(Field.ACCEPT);
        if (accept < 0) {
            return Wants.TEXT;
        }
        byte[] b = fields.bytes;
        for (int pos = fields.valueStart[accept]; pos + 9 <= fields.valueEnd[accept]; pos++) {
            if (b[pos] == 't' && fields.is(pos, pos + 9, "text/html")) {
                return Wants.HTML;
            }
            if (b[pos] == 'a' && pos + 16 <= fields.valueEnd[accept] && fields.is(pos, pos + 16, "application/json")) {
                return Wants.JSON;
            }
        }
        return Wants.TEXT;
    }

    /**
     * Writes the head for the machine.
     *
     * @param peer who the client is
     * @param id this request's id
     */
    void rewrite(HeadWriter out, Peer peer, String id) {
        byte[] b = fields.bytes;
        out.clear().put(b, 0, targetStart);
        if (pathStart < targetEnd) {
            out.put(b, pathStart, targetEnd);
        } else {
            out.put(fields.is(0, methodEnd, "options") ? "*" : "/");
        }
        out.put(VERSION);
        fields.copy(out, passes);
        if (fields.chunked) {
            out.put(CHUNKED);
        }
        if (upgrade) {
            int i = fields.first(Field.UPGRADE);
            out.put(UPGRADE).put(b, fields.valueStart[i], fields.valueEnd[i]).put(LINE);
        }
        forwardedFor(out, peer);
        out.put(peer.fields()).put(REQUEST_ID).put(id).put(LINE).put(LINE);
    }

    private boolean passes(int i) {
        return switch (fields.field[i]) {
            case HOST, CONTENT_LENGTH, ACCEPT -> true;
            case EXPECT -> !http10;
            case OTHER -> !fields.nominated(i);
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

    /** One line with what the client claims, then who it is. Who must know looks at fly-client-ip, which is not a claim. */
    private void forwardedFor(HeadWriter out, Peer peer) {
        out.put(Peer.FORWARDED_FOR);
        for (int i = fields.first(Field.X_FORWARDED_FOR); i >= 0 && i < fields.count; i++) {
            if (fields.field[i] == Field.X_FORWARDED_FOR && fields.valueStart[i] < fields.valueEnd[i]) {
                out.put(fields.bytes, fields.valueStart[i], fields.valueEnd[i]).put(", ");
            }
        }
        out.put(peer.address()).put(LINE);
    }
}
