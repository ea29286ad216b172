package org.allod.image;

import java.io.IOException;
import java.io.InputStream;

/** The origin of an image: a registry, a layout folder, an archive. Its data is unverified. */
interface ImageSource {
    /** Its name for errors, such as {@code docker.io/library/nginx:latest}. */
    String name();

    /** The index or manifest that the name refers to. */
    Document top() throws IOException;

    /** A manifest that an index lists. */
    Document manifest(Descriptor descriptor) throws IOException;

    /** A blob from {@code offset} on, or from its start if the source cannot skip. */
    Part open(Descriptor blob, long offset) throws IOException;

    /**
     * An unverified document.
     *
     * @param mediaType the media type that the source declares; empty if it declares none
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

    /** The registry that delivers. A slow one must not delay fetching the same content from another. */
    default String origin() {
        return "";
    }

    /** How often to try; a source on this host's disk gains nothing from a retry. */
    default int attempts() {
        return 1;
    }
}
