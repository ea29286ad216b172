package org.allod.state;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.allod.base.Bug;
import org.jspecify.annotations.Nullable;

/** Writes the form in which values and messages travel: small numbers in one byte, repeated names once. */
final class Encoder {
    private byte[] bytes = new byte[128];
    private int size;
    private final Map<String, Integer> names = new HashMap<>();
    private final Map<Dot, Integer> dots = new HashMap<>();

    byte[] bytes() {
        return Arrays.copyOf(bytes, size);
    }

    int size() {
        return size;
    }

    Encoder octet(int value) {
        if (size == bytes.length) {
            bytes = Arrays.copyOf(bytes, size * 2);
        }
        bytes[size++] = (byte) value;
        return this;
    }

    /** An unsigned number, seven bits an octet. */
    Encoder number(long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            octet((int) (rest & 0x7f) | 0x80);
            rest >>>= 7;
        }
        return octet((int) rest);
    }

    /** A number that may be negative. */
    Encoder signed(long value) {
        return number((value << 1) ^ (value >> 63));
    }

    Encoder fixed(long value) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            octet((int) (value >>> shift));
        }
        return this;
    }

    Encoder blob(byte[] value) {
        number(value.length);
        while (size + value.length > bytes.length) {
            bytes = Arrays.copyOf(bytes, bytes.length * 2);
        }
        System.arraycopy(value, 0, bytes, size, value.length);
        size += value.length;
        return this;
    }

    Encoder text(String value) {
        return blob(value.getBytes(StandardCharsets.UTF_8));
    }

    /** A text that probably comes again: its place among those before, or the next place and the text. */
    Encoder name(String value) {
        Integer known = names.get(value);
        if (known != null) {
            return number(known);
        }
        number(names.size());
        names.put(value, names.size());
        return text(value);
    }

    Encoder site(SiteId site) {
        return fixed(site.high()).fixed(site.low());
    }

    Encoder dot(Dot dot) {
        Integer known = dots.get(dot);
        if (known != null) {
            return number(known);
        }
        number(dots.size());
        dots.put(dot, dots.size());
        return site(dot.site()).number(dot.number());
    }

    Encoder value(@Nullable Object value) {
        return switch (value) {
            case null -> octet(0);
            case Long l -> octet(1).signed(l);
            case Double d -> octet(2).fixed(Double.doubleToRawLongBits(d));
            case String s -> octet(3).text(s);
            case Blob b -> octet(4).blob(b.bytes());
            default -> throw new Bug("a value of class " + value.getClass().getName());
        };
    }
}
