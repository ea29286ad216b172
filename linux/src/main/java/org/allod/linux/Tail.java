package org.allod.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/** Reads a stream to its end on a thread of its own and keeps the last of it: a writer is never blocked by us. */
final class Tail {
    private static final int KEPT = 8192;

    private byte[] kept = new byte[0];

    private Tail() {}

    static Supplier<String> of(InputStream stream) {
        Tail tail = new Tail();
        Thread.ofVirtual().name("tail").start(() -> tail.drain(stream));
        return tail::text;
    }

    private void drain(InputStream stream) {
        byte[] buffer = new byte[KEPT];
        try (stream) {
            for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
                keep(buffer, n);
            }
        } catch (IOException e) {
            // The process is gone in some other way than by closing its output: there is no more to keep.
        }
    }

    private synchronized void keep(byte[] buffer, int count) {
        int old = Math.min(kept.length, KEPT - count);
        byte[] joined = new byte[old + count];
        System.arraycopy(kept, kept.length - old, joined, 0, old);
        System.arraycopy(buffer, 0, joined, old, count);
        kept = joined;
    }

    private synchronized String text() {
        return new String(kept, StandardCharsets.UTF_8);
    }
}
