package org.allod.state;

import java.util.Arrays;
import java.util.HexFormat;

/** Bytes as a value: equal by content. */
public record Blob(byte[] bytes) {
    @Override
    public boolean equals(Object other) {
        return other instanceof Blob b && Arrays.equals(b.bytes, bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return "x'" + HexFormat.of().formatHex(bytes) + "'";
    }
}
