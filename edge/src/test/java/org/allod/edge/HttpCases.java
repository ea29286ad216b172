package org.allod.edge;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.allod.base.Rng;

/**
 * Malformed messages: valid parts combined at random and then slightly damaged. Each is followed by another message, so
 * that a parser which finds a different end of the first shows it.
 */
final class HttpCases {
    private static final String HOST = "Host: hello.localhost\r\n";
    private static final String NEXT_REQUEST = "GET /next HTTP/1.1\r\nHost: next.localhost\r\n\r\n";
    private static final String NEXT_RESPONSE = "HTTP/1.1 299 Next\r\nContent-Length: 4\r\n\r\nnext";

    private static final List<String> METHODS =
            List.of("GET", "GET", "POST", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "BREW", "get", "GET ");
    private static final List<String> TARGETS = List.of(
            "/",
            "/a?b=c",
            "/a%20b",
            "/a;b=c",
            "*",
            "http://hello.localhost/x",
            "http://hello.localhost",
            "//x",
            "/a#b",
            "/a?b#c",
            "/\"<>",
            "/a\tb",
            "/\u00e4",
            "/a b",
            "?",
            "HTTP://hello.localhost/",
            "http://hello.localhost:80/");
    private static final List<String> VERSIONS = List.of(
            " HTTP/1.1\r\n",
            " HTTP/1.1\r\n",
            " HTTP/1.1\r\n",
            " HTTP/1.1\r\n",
            " HTTP/1.0\r\n",
            " HTTP/1.1\n",
            " HTTP/1.1\r",
            " HTTP/1.1\rX",
            " HTTP/1.1\r\r\n",
            " HTTP/1.1 \r\n",
            "  HTTP/1.1\r\n",
            "\tHTTP/1.1\r\n",
            " HTTP/1.2\r\n",
            " HTTP/2.0\r\n",
            " HTTP/0.9\r\n",
            " HTTP/01.1\r\n",
            " HTTP/1.1\r\n\r\n",
            " HTTP/1.1\0\r\n",
            " http/1.1\r\n",
            " HTTP/1.1\n\r\n",
            " HTTP/1.1\u000b\r\n",
            "\r\n");
    private static final List<String> FRAMING = List.of(
            "",
            "",
            "Content-Length: 5\r\n",
            "Content-Length: 5\r\n",
            "Content-Length: 0\r\n",
            "Content-Length: 05\r\n",
            "Content-Length: 5 \r\n",
            "Content-Length:5\r\n",
            "Content-Length:\t5\r\n",
            "Content-Length: 5\t\r\n",
            "Content-Length : 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: -5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5,6\r\n",
            "Content-Length:\r\n",
            "Content-Length: 5\r\n 6\r\n",
            "Content-Length: 5;\r\n",
            "Content-Length: 18446744073709551621\r\n",
            "Content-Length: 4294967301\r\n",
            "Content_Length: 5\r\n",
            "content-length: 5\r\n",
            "\0Content-Length: 5\r\n",
            "Content-Length\0: 5\r\n",
            "Content-Length: 5\0\r\n",
            "Content-Length: \u000b5\r\n",
            "Content-Length: 1e1\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: Chunked\r\n",
            "Transfer-Encoding:chunked\r\n",
            "Transfer-Encoding: chunked \r\n",
            "Transfer-Encoding : chunked\r\n",
            "Transfer-Encoding: chunked, chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: \"chunked\"\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunkedx\r\n",
            "Transfer-Encoding:\r\n chunked\r\n",
            "Transfer-Encoding: ,chunked\r\n",
            "Transfer-Encoding: chunked,\r\n",
            "Transfer-Encoding:\u000bchunked\r\n",
            "Transfer-Encoding: chunked;a=b\r\n",
            "Transfer-Encoding: chun ked\r\n",
            "Transfer_Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding\0: chunked\r\n");
    private static final List<String> FIELDS = List.of(
            "",
            "",
            "",
            "X: y\r\n",
            "X:\r\n",
            "X: \r\n",
            "X:y\r\n",
            "X: y\n",
            "X: y\r",
            "X: a\r\n b\r\n",
            "X: a\rb\r\n",
            "X : y\r\n",
            " X: y\r\n",
            "\tX: y\r\n",
            "X\r\n",
            ": y\r\n",
            "X: a\0b\r\n",
            "X\0: y\r\n",
            "X: \u00e4\r\n",
            "\u00e4: y\r\n",
            "X: a\u007fb\r\n",
            "X: a\u0001b\r\n",
            "X: \"a\r\n\"\r\n",
            "X(): y\r\n",
            "X: y\r\r\n",
            "X: y\n\r\n",
            "Connection: close\r\n",
            "Connection: keep-alive\r\n",
            "Connection: x, close\r\nX: y\r\n",
            "Expect: x\r\n",
            "Connection: upgrade\r\nUpgrade: websocket\r\n",
            "Upgrade: h2c\r\n",
            "Connection: content-length\r\n",
            "Host: other.localhost\r\n",
            "Proxy-Connection: close\r\n",
            "X!#$%&'*+-.^_`|~9: y\r\n",
            "X:\ty\t\r\n");
    private static final List<String> ENDS =
            List.of("\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\n\r\n", "\r\r\n", " \r\n", "\r\n\r\n");
    private static final List<String> BODIES = List.of(
            "hello",
            "hello",
            "",
            "hell",
            "hello!",
            "\r\nhello",
            "5\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "0\r\n\r\n",
            "0\r\n\r\n",
            "05\r\nhello\r\n0\r\n\r\n",
            "5;a=b\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b\"\r\nhello\r\n0\r\n\r\n",
            "5;a=\"b;\r\nhello\r\n0\r\n\r\n",
            "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "5;\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "5\t;a\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r0\r\n\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\rhello\r\n0\r\n\r\n",
            "5\rXhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\n\n",
            "5\r\nhello\r\n0\r\n\n",
            "5\r\nhello\r\n0\n\r\n",
            "5\r\nhello\r\n00\r\n\r\n",
            "5\r\nhello\r\n0;x\r\n\r\n",
            "5\r\nhello\r\n0\r\nT: v\r\n\r\n",
            "5\r\nhello\r\n0\r\nT: v\n\r\n",
            "5\r\nhello\r\n0\r\nT : v\r\n\r\n",
            "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n",
            "5\r\nhello\r\n0\r\nT: a\r\n b\r\n\r\n",
            "5\r\nhello\r\n0\r\nT: v\rX: y\r\n\r\n",
            "a\r\n0123456789\r\n0\r\n\r\n",
            "A\r\n0123456789\r\n0\r\n\r\n",
            "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n",
            "100000005\r\nhello\r\n0\r\n\r\n",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            "fffffffffffffffb\r\nhello\r\n0\r\n\r\n",
            "5_0\r\nhello\r\n0\r\n\r\n",
            "\r\n5\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n\r\n0\r\n\r\n",
            "5;\u0001\r\nhello\r\n0\r\n\r\n",
            "5;\u00e4\r\nhello\r\n0\r\n\r\n",
            "5\0\r\nhello\r\n0\r\n\r\n",
            "5g\r\nhello\r\n0\r\n\r\n",
            "0\r\n\r\r\n");
    private static final List<String> STATUS = List.of(
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200\r\n",
            "HTTP/1.1 200 \r\n",
            "HTTP/1.0 200 OK\r\n",
            "HTTP/1.1 204 No Content\r\n",
            "HTTP/1.1 205 Reset\r\n",
            "HTTP/1.1 304 Same\r\n",
            "HTTP/1.1 100 Continue\r\n",
            "HTTP/1.1 103 Early\r\n",
            "HTTP/1.1 101 Switch\r\n",
            "HTTP/1.1 20 OK\r\n",
            "HTTP/1.1 2000 OK\r\n",
            "HTTP/1.1 200 O\rK\r\n",
            "HTTP/1.1 200 OK\n",
            "HTTP/1.1 200 OK\r",
            "HTTP/1.1  200 OK\r\n",
            "HTTP/1.1\t200 OK\r\n",
            "HTTP/2.0 200 OK\r\n",
            "http/1.1 200 OK\r\n",
            "HTTP/1.1 099 Low\r\n",
            "HTTP/1.1 999 High\r\n",
            "HTTP/1.1 200 \u00e4\r\n",
            "HTTP/1.1 200\tOK\r\n",
            "HTTP/1.1 200 OK\r\r\n",
            "HTTP/1.1 600 Odd\r\n",
            "HTTP/1.1 200 O\0K\r\n",
            "HTTP/1.1 299 Fine\r\n");
    private static final byte[] NASTY =
            "\r\n \t:;,\0\u007f0123456789abcdefXx-_/\u00ff\u000b\"".getBytes(StandardCharsets.ISO_8859_1);

    private static final List<String> CHUNKS =
            BODIES.stream().filter(body -> body.contains("0\r\n")).toList();

    private HttpCases() {}

    static List<byte[]> requests(Rng rng, int count) {
        List<byte[]> cases = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            StringBuilder text = new StringBuilder(rng.chance(0.03) ? "\r\n" : "");
            text.append(pick(rng, METHODS)).append(' ').append(rng.chance(0.6) ? "/" : pick(rng, TARGETS));
            text.append(mostly(rng, VERSIONS));
            cases.add(finish(rng, text, rng.chance(0.95) ? HOST : "", NEXT_REQUEST));
        }
        return cases;
    }

    static List<byte[]> responses(Rng rng, int count) {
        List<byte[]> cases = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            cases.add(finish(rng, new StringBuilder(pick(rng, STATUS)), "", NEXT_RESPONSE));
        }
        return cases;
    }

    private static byte[] finish(Rng rng, StringBuilder text, String host, String next) {
        boolean first = rng.chance(0.5);
        text.append(first ? host : "");
        int fields = rng.nextInt(3);
        for (int i = 0; i < fields; i++) {
            text.append(mostly(rng, FIELDS));
        }
        String framing = rng.chance(0.5) ? pick(rng, FRAMING) : good(rng);
        text.append(framing).append(first ? "" : host).append(mostly(rng, ENDS)).append(body(rng, framing));
        if (rng.chance(0.95)) {
            text.append(next);
        }
        int wounds = rng.chance(0.5) ? 0 : 1 + rng.nextInt(2);
        for (int i = 0; i < wounds; i++) {
            wound(rng, text);
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Often one that fits. */
    private static String body(Rng rng, String framing) {
        if (rng.chance(0.2)) {
            return pick(rng, BODIES);
        }
        if (framing.contains("hunked")) {
            return CHUNKS.get(rng.nextInt(CHUNKS.size()));
        }
        return framing.isEmpty() || framing.contains(" 0") ? "" : "hello";
    }

    private static String good(Rng rng) {
        return rng.chance(0.5) ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 5\r\n";
    }

    private static void wound(Rng rng, StringBuilder text) {
        int at = rng.nextInt(text.length());
        char nasty = (char) (NASTY[rng.nextInt(NASTY.length)] & 0xff);
        switch (rng.nextInt(5)) {
            case 0 -> text.setCharAt(at, nasty);
            case 1 -> text.insert(at, nasty);
            case 2 -> text.deleteCharAt(at);
            case 3 -> text.setCharAt(at, (char) (text.charAt(at) ^ 0x20));
            default -> text.insert(at, text.substring(at, Math.min(text.length(), at + rng.nextInt(30))));
        }
    }

    private static String pick(Rng rng, List<String> from) {
        return from.get(rng.nextInt(from.size()));
    }

    /** The first, which is right, more often than the others. */
    private static String mostly(Rng rng, List<String> from) {
        return rng.chance(0.75) ? from.getFirst() : pick(rng, from);
    }
}
