package org.allod.fsm;

import java.util.Arrays;

/** Encoded bytes of a request or a response, compared by content. The array must not be changed. */
record Payload(byte[] bytes) {
    @Override
    public boolean equals(Object other) {
        return other instanceof Payload p && Arrays.equals(bytes, p.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return bytes.length + " bytes";
    }
}
