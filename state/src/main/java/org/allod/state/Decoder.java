package org.allod.state;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads what {@link Encoder} wrote, without trusting it: any bytes give a value or a {@link MalformedMessage}. */
final class Decoder {
    private final byte[] bytes;
    private int at;
    private final List<String> names = new ArrayList<>();
    private final List<Dot> dots = new ArrayList<>();

    Decoder(byte[] bytes) {
        this.bytes = bytes;
    }

    int octet() {
        if (at >= bytes.length) {
            throw new MalformedMessage("ends after " + at + " bytes");
        }
        return bytes[at++] & 0xff;
    }

    long number() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int next = octet();
            value |= (long) (next & 0x7f) << shift;
            if (next < 0x80) {
                return value;
            }
        }
        throw new MalformedMessage("a number of more than ten bytes at " + at);
    }

    /** How many of something follow; each takes a byte at least, so no more than there are bytes. */
    int count() {
        long value = number();
        if (value < 0 || value > bytes.length - at) {
            throw new MalformedMessage("promises " + value + " of something at " + at + " of " + bytes.length);
        }
        return (int) value;
    }

    long signed() {
        long value = number();
        return (value >>> 1) ^ -(value & 1);
    }

    long fixed() {
        long value = 0;
        for (int i = 0; i < 8; i++) {
            value = value << 8 | octet();
        }
        return value;
    }

    byte[] blob() {
        int length = count();
        at += length;
        return Arrays.copyOfRange(bytes, at - length, at);
    }

    String text() {
        return new String(blob(), StandardCharsets.UTF_8);
    }

    String name() {
        long place = number();
        if (place == names.size()) {
            names.add(text());
        } else if (place < 0 || place > names.size()) {
            throw new MalformedMessage("names number " + place + " of " + names.size());
        }
        return names.get((int) place);
    }

    SiteId site() {
        return new SiteId(fixed(), fixed());
    }

    Dot dot() {
        long place = number();
        if (place == dots.size()) {
            Dot dot = new Dot(site(), number());
            if (dot.number() <= 0) {
                throw new MalformedMessage("a change set numbered " + dot.number());
            }
            dots.add(dot);
        } else if (place < 0 || place > dots.size()) {
            throw new MalformedMessage("names change set " + place + " of " + dots.size());
        }
        return dots.get((int) place);
    }

    @Nullable
    Object value() {
        int kind = octet();
        return switch (kind) {
            case 0 -> null;
            case 1 -> (Object) signed();
            case 2 -> Double.longBitsToDouble(fixed());
            case 3 -> text();
            case 4 -> new Blob(blob());
            default -> throw new MalformedMessage("a value of kind " + kind);
        };
    }

    boolean more() {
        return at < bytes.length;
    }

    void end() {
        if (more()) {
            throw new MalformedMessage((bytes.length - at) + " bytes too many");
        }
    }
}
