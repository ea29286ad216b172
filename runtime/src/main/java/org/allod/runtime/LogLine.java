package org.allod.runtime;

import java.time.Instant;

/**
 * A line of a machine's log.
 *
 * @param time when the host received it
 * @param source who wrote it
 * @param text without its line end; bytes that are not UTF-8 are replaced
 * @param partial whether the line continues: it was too long, or its end has not arrived
 */
public record LogLine(Instant time, Source source, String text, boolean partial) {
    /** Who wrote a line. */
    public enum Source {
        /** The main process's standard output, or its terminal. */
        STDOUT,
        STDERR,
        /** The host, about the machine: output lost, a link cut. */
        HOST
    }
}
