package org.allod.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** What an endpoint answers. */
public sealed interface Response {
    /** A JSON document. */
    record Json(int status, JsonNode body) implements Response {}

    /**
     * Not now: a JSON document saying why, and after how long to ask again.
     *
     * @param after rounded up to whole seconds on the wire
     */
    record Later(Duration after, JsonNode body) implements Response {}

    /** The path is known, the method is not: a JSON document, and the methods that are. */
    record NotAllowed(Set<String> allowed, JsonNode body) implements Response {}

    /**
     * A JSON list whose entries are JSON already. A long one is sent piece by piece, as its entries are made and no
     * faster than the client reads.
     *
     * @param count how many entries it has
     */
    record Items(int count, Entries entries) implements Response {
        /** Makes entries. */
        public interface Entries {
            /** Those from {@code from} to before {@code to}. */
            List<byte[]> part(int from, int to);
        }
    }

    /** A JSON document that is text already, in pieces. */
    record Ready(int status, List<byte[]> json) implements Response {}

    /** No body. */
    record Empty(int status) implements Response {}

    /** Text of some type, whole. */
    record Text(int status, String contentType, String body) implements Response {}

    /** JSON documents one a line, for as long as the writer goes on and the client listens. */
    record Lines(Writer writer) implements Response {
        /** Where the lines go. */
        public interface Sink {
            /**
             * Sends a line; blocks while the client is slow.
             *
             * @throws IOException once the client has gone
             */
            void line(JsonNode line) throws IOException;

            /** Whether the client still listens. */
            boolean open();
        }
    }

    /**
     * The connection stops being HTTP and carries bytes both ways.
     *
     * @param patience how long its client may take nothing of what there is for it, before it is cut off
     */
    record Upgrade(String protocol, Duplex duplex, Duration patience) implements Response {
        /** A person may hold up a terminal for a while; one that nobody reads any more is not kept for ever. */
        private static final Duration PATIENCE = Duration.ofMinutes(5);

        public Upgrade(String protocol, Duplex duplex) {
            this(protocol, duplex, PATIENCE);
        }
    }

    static Response ok(JsonNode body) {
        return new Json(200, body);
    }

    /** Writes lines; returns when there are no more. */
    interface Writer {
        void write(Lines.Sink sink) throws Exception;
    }

    /** Uses the raw connection; it is closed when this returns. */
    interface Duplex {
        void run(InputStream in, OutputStream out) throws Exception;
    }
}
