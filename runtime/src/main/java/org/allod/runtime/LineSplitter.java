package org.allod.runtime;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Splits one stream into lines. A line longer than {@link #LONGEST} is emitted in parts. Tracks the position of the
 * first byte that is not in a line yet: after a restart the guest must send again from there.
 */
final class LineSplitter {
    static final int LONGEST = 16384;

    /** Receives finished lines, or parts of one. */
    interface Sink {
        void line(String text, boolean partial, long end);
    }

    private final ByteArrayOutputStream part = new ByteArrayOutputStream();
    /** Positions of its first byte and after its last; the other stream's bytes may lie between. */
    private long partStart;

    private long partEnd;
    /** Bytes before this position are in the log already. */
    private long kept;

    /** Starts again; everything before {@code position} counts as done. */
    void reset(long position) {
        part.reset();
        kept = position;
    }

    /** The position of the oldest byte of an unfinished line, or -1 if there is none. */
    long waitingFrom() {
        return part.size() == 0 ? -1 : partStart;
    }

    void add(long position, byte[] bytes, Sink sink) {
        // Bytes that are sent again after a lost connection may already be in the log as a partial line.
        int from = Math.clamp(kept - position, 0, bytes.length);
        for (int i = from; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                partEnd = position + i + 1;
                emit(sink, false);
            } else {
                if (part.size() == 0) {
                    partStart = position + i;
                }
                part.write(bytes[i]);
                partEnd = position + i + 1;
                if (part.size() == LONGEST) {
                    emit(sink, true);
                }
            }
        }
    }

    /** Emits the unfinished line. */
    void flush(Sink sink) {
        if (part.size() > 0) {
            emit(sink, true);
        }
    }

    private void emit(Sink sink, boolean partial) {
        String text = part.toString(StandardCharsets.UTF_8);
        part.reset();
        kept = partEnd;
        sink.line(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text, partial, partEnd);
    }
}
