package org.allod.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** The response of an endpoint. */
public sealed interface Response {
    /** A JSON document. */
    record Json(int status, JsonNode body) implements Response {}

    /**
     * Refused for now: a JSON document with the reason, and the time after which to repeat the request.
     *
     * @param after rounded up to whole seconds in the header
     */
    record Later(Duration after, JsonNode body) implements Response {}

    /** The path exists, but not with this method: a JSON document, and the allowed methods. */
    record NotAllowed(Set<String> allowed, JsonNode body) implements Response {}

    /**
     * A JSON list whose entries are JSON already. A long one is built and sent piece by piece, no faster than the
     * client reads.
     *
     * @param count the number of entries
     */
    record Items(int count, Entries entries) implements Response {
        /** Builds entries. */
        public interface Entries {
            /** The entries from {@code from} (inclusive) to {@code to} (exclusive). */
            List<byte[]> part(int from, int to);
        }
    }

    /** A JSON document that is serialised already, in pieces. */
    record Ready(int status, List<byte[]> json) implements Response {}

    /** No body. */
    record Empty(int status) implements Response {}

    /** A complete text of some type. */
    record Text(int status, String contentType, String body) implements Response {}

    /** JSON documents, one on each line, until the writer returns or the client leaves. */
    record Lines(Writer writer) implements Response {
        /** The destination of the lines. */
        public interface Sink {
            /**
             * Sends a line; blocks while the client is slow.
             *
             * @throws IOException once the client has gone
             */
            void line(JsonNode line) throws IOException;

            /** Whether the client is still connected. */
            boolean open();
        }
    }

    /**
     * The connection stops being HTTP and carries bytes in both directions.
     *
     * @param patience how long its client may read nothing before the connection is closed
     */
    record Upgrade(String protocol, Duplex duplex, Duration patience) implements Response {
        /** A person may pause a terminal for a while; a client that never reads again is disconnected. */
        private static final Duration PATIENCE = Duration.ofMinutes(5);

        public Upgrade(String protocol, Duplex duplex) {
            this(protocol, duplex, PATIENCE);
        }
    }

    static Response ok(JsonNode body) {
        return new Json(200, body);
    }

    /** Writes the lines; returns after the last one. */
    interface Writer {
        void write(Lines.Sink sink) throws Exception;
    }

    /** Uses the raw connection, which is closed when this returns. */
    interface Duplex {
        void run(InputStream in, OutputStream out) throws Exception;
    }
}
