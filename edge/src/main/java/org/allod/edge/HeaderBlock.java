package org.allod.edge;

import java.nio.charset.StandardCharsets;
import java.util.function.IntPredicate;

/**
 * The fields of one message head as offsets in a byte array, found in one strict pass. Reused for message after message
 * by one event loop, so nothing here outlives the handling of a head.
 *
 * <p>Strict, because a request that two parsers read differently can be smuggled past the first: lines end in CR LF and
 * nothing else, no line is folded, a name is a token followed directly by its colon, and a value holds no control
 * character.
 */
final class HeaderBlock {
    /** Maximum names in {@code Connection} that are tracked; no real client sends more. */
    private static final int NOMINATED = 16;

    private static final boolean[] TOKEN = new boolean[256];

    static {
        for (byte b : "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                .getBytes(StandardCharsets.US_ASCII)) {
            TOKEN[b] = true;
        }
    }

    final byte[] bytes;
    final HeaderName[] field;
    final int[] start;
    final int[] nameEnd;
    final int[] valueStart;
    final int[] valueEnd;
    /** Offset after the line's CR LF. */
    final int[] end;

    int count;

    /** From the {@code Connection} fields. */
    boolean close;

    boolean keepAlive;
    boolean upgrade;
    boolean chunked;
    /** From {@code Content-Length}; -1 if absent. */
    long contentLength;

    private boolean encoded;
    private int nominated;
    private final int[] nominatedStart = new int[NOMINATED];
    private final int[] nominatedEnd = new int[NOMINATED];

    HeaderBlock(int maxBytes, int maxFields) {
        bytes = new byte[maxBytes];
        field = new HeaderName[maxFields];
        start = new int[maxFields];
        nameEnd = new int[maxFields];
        valueStart = new int[maxFields];
        valueEnd = new int[maxFields];
        end = new int[maxFields];
    }

    static boolean token(byte b) {
        return TOKEN[b & 0xff];
    }

    /** Whether a value may contain the byte: anything but control characters; tabs are allowed. */
    static boolean inValue(byte b) {
        return b >= 0x20 ? b != 0x7f : b < 0 || b == '\t';
    }

    /**
     * Finds the end of a head in {@code bytes[from, to)}.
     *
     * @return the index after the empty line, or -1 if it has not arrived
     */
    static int headEnd(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] == '\n') {
                if (i == 0 || bytes[i - 1] != '\r') {
                    throw new HttpParseException("a line of the head ends in LF without CR before it");
                }
                if (i >= 3 && bytes[i - 2] == '\n') {
                    return i + 1;
                }
            }
        }
        return -1;
    }

    /** Parses the lines from {@code at} to the empty line that ends at {@code headEnd}. */
    void parse(int at, int headEnd) {
        count = 0;
        close = false;
        keepAlive = false;
        upgrade = false;
        chunked = false;
        encoded = false;
        contentLength = -1;
        nominated = 0;
        int pos = at;
        int last = headEnd - 2;
        while (pos < last) {
            pos = line(pos);
        }
    }

    private int line(int from) {
        byte[] b = bytes;
        int pos = from;
        while (TOKEN[b[pos] & 0xff]) {
            pos++;
        }
        if (b[pos] != ':' || pos == from) {
            throw new HttpParseException(
                    pos == from && (b[pos] == ' ' || b[pos] == '\t')
                            ? "a header field is folded over two lines"
                            : "the name of header field " + (count + 1) + " is not a token followed by a colon");
        }
        if (count == field.length) {
            throw new HttpParseException(Problem.HEAD_TOO_LARGE, "more than " + field.length + " header fields");
        }
        int i = count++;
        start[i] = from;
        nameEnd[i] = pos++;
        while (b[pos] == ' ' || b[pos] == '\t') {
            pos++;
        }
        valueStart[i] = pos;
        while (inValue(b[pos])) {
            pos++;
        }
        if (b[pos] != '\r' || b[pos + 1] != '\n') {
            throw new HttpParseException("the value of header field " + name(i) + " holds a control character");
        }
        int stop = pos;
        while (stop > valueStart[i] && (b[stop - 1] == ' ' || b[stop - 1] == '\t')) {
            stop--;
        }
        valueEnd[i] = stop;
        end[i] = pos + 2;
        HeaderName known = HeaderName.of(b, from, nameEnd[i]);
        field[i] = known;
        switch (known) {
            case CONNECTION -> connection(i);
            case CONTENT_LENGTH -> contentLength(i);
            case TRANSFER_ENCODING -> transferEncoding(i);
            default -> {
                // Does not affect framing.
            }
        }
        return pos + 2;
    }

    private void contentLength(int i) {
        if (contentLength >= 0) {
            throw new HttpParseException("more than one Content-Length");
        }
        int digits = valueEnd[i] - valueStart[i];
        if (digits == 0 || digits > 18) {
            throw new HttpParseException("Content-Length is not a number of at most 18 digits");
        }
        long value = 0;
        for (int p = valueStart[i]; p < valueEnd[i]; p++) {
            int digit = bytes[p] - '0';
            if (digit < 0 || digit > 9) {
                throw new HttpParseException("Content-Length is not a number");
            }
            value = value * 10 + digit;
        }
        contentLength = value;
    }

    private void transferEncoding(int i) {
        if (encoded) {
            throw new HttpParseException("more than one Transfer-Encoding");
        }
        encoded = true;
        if (!is(valueStart[i], valueEnd[i], "chunked")) {
            throw new HttpParseException(Problem.UNSUPPORTED, "a Transfer-Encoding other than chunked");
        }
        chunked = true;
    }

    private void connection(int i) {
        int pos = valueStart[i];
        while (pos < valueEnd[i]) {
            int comma = pos;
            while (comma < valueEnd[i] && bytes[comma] != ',') {
                comma++;
            }
            int from = pos;
            int to = comma;
            while (from < to && (bytes[from] == ' ' || bytes[from] == '\t')) {
                from++;
            }
            while (to > from && (bytes[to - 1] == ' ' || bytes[to - 1] == '\t')) {
                to--;
            }
            option(from, to);
            pos = comma + 1;
        }
    }

    private void option(int from, int to) {
        if (is(from, to, "close")) {
            close = true;
        } else if (is(from, to, "keep-alive")) {
            keepAlive = true;
        } else if (is(from, to, "upgrade")) {
            upgrade = true;
        } else if (from < to) {
            if (nominated == NOMINATED) {
                throw new HttpParseException("Connection names more than " + NOMINATED + " fields");
            }
            switch (HeaderName.of(bytes, from, to)) {
                case HOST, CONTENT_LENGTH, TRANSFER_ENCODING ->
                    throw new HttpParseException(
                            "Connection names " + text(from, to) + ", without which the message is another");
                default -> {
                    nominatedStart[nominated] = from;
                    nominatedEnd[nominated++] = to;
                }
            }
        }
    }

    /** Whether {@code Connection} nominates this field as hop-by-hop. */
    boolean nominated(int i) {
        for (int n = 0; n < nominated; n++) {
            int length = nominatedEnd[n] - nominatedStart[n];
            if (length == nameEnd[i] - start[i] && sameName(nominatedStart[n], start[i], length)) {
                return true;
            }
        }
        return false;
    }

    private boolean sameName(int one, int two, int length) {
        for (int k = 0; k < length; k++) {
            if (Character.toLowerCase(bytes[one + k]) != Character.toLowerCase(bytes[two + k])) {
                return false;
            }
        }
        return true;
    }

    /** Copies the lines of the fields that pass; adjacent lines are copied together. */
    void copy(HeadWriter out, IntPredicate passes) {
        int run = -1;
        for (int i = 0; i < count; i++) {
            if (passes.test(i)) {
                run = run < 0 ? start[i] : run;
            } else if (run >= 0) {
                out.put(bytes, run, start[i]);
                run = -1;
            }
        }
        if (run >= 0) {
            out.put(bytes, run, end[count - 1]);
        }
    }

    /** The first field of this kind, or -1. */
    int first(HeaderName wanted) {
        for (int i = 0; i < count; i++) {
            if (field[i] == wanted) {
                return i;
            }
        }
        return -1;
    }

    /** The value of the first field with this name, given in lower case, or the empty string. */
    String text(String name) {
        for (int i = 0; i < count; i++) {
            if (is(start[i], nameEnd[i], name)) {
                return value(i);
            }
        }
        return "";
    }

    String name(int i) {
        return text(start[i], nameEnd[i]);
    }

    String value(int i) {
        return text(valueStart[i], valueEnd[i]);
    }

    String text(int from, int to) {
        return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
    }

    /** Compares with a lower-case word, ignoring case. */
    boolean is(int from, int to, String word) {
        if (to - from != word.length()) {
            return false;
        }
        for (int k = 0; k < word.length(); k++) {
            if (Character.toLowerCase(bytes[from + k]) != word.charAt(k)) {
                return false;
            }
        }
        return true;
    }
}
