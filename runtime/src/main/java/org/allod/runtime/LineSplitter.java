package org.allod.runtime;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Makes lines of one stream's bytes. A line longer than {@link #LONGEST} comes in parts. Knows the position of the
 * first byte that is not in a line yet: from there the guest must send again after a restart.
 */
final class LineSplitter {
    static final int LONGEST = 16384;

    /** Where a finished line, or part of one, goes. */
    interface Sink {
        void line(String text, boolean partial, long end);
    }

    private final ByteArrayOutputStream part = new ByteArrayOutputStream();
    /** Positions of its first byte and after its last; the other stream's bytes may lie between. */
    private long partStart;

    private long partEnd;
    /** Bytes before this are in the log already. */
    private long kept;

    /** Begins again, with everything before {@code position} taken as done. */
    void reset(long position) {
        part.reset();
        kept = position;
    }

    /** The position of the oldest byte that waits for its line's end, or -1 where none does. */
    long waitingFrom() {
        return part.size() == 0 ? -1 : partStart;
    }

    void add(long position, byte[] bytes, Sink sink) {
        // What comes again after a lost connection was written before, in part.
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

    /** Writes what waits, whether or not its end has come. */
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
