package org.allod.image;

import java.io.IOException;
import java.io.InputStream;

/** Where an image comes from: a registry, a layout folder, an archive. What it gives is not yet verified. */
interface ImageSource {
    /** For errors: such as {@code docker.io/library/nginx:latest}. */
    String name();

    /** The index or manifest that the name leads to. */
    Document top() throws IOException;

    /** The manifest an index names. */
    Document manifest(Descriptor descriptor) throws IOException;

    /** A blob from {@code offset} on, or from its start where the source cannot skip. */
    Part open(Descriptor blob, long offset) throws IOException;

    /**
     * A document as it came.
     *
     * @param mediaType what its carrier calls it; empty where it does not say
     */
    record Document(byte[] content, String mediaType) {}

    /**
     * The rest of a blob.
     *
     * @param offset where {@code content} starts
     */
    record Part(InputStream content, long offset) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            content.close();
        }
    }

    /** Who delivers: the registry. What one delivers slowly must not keep from getting it from another. */
    default String origin() {
        return "";
    }

    /** At least one try is worth it; a source on this host's disk gains nothing from a second. */
    default int attempts() {
        return 1;
    }
}
