package org.allod.edge;

import java.util.List;

/**
 * An app and its machines, as one port serves them.
 *
 * @param name the label before the domain in its host name, in lower case
 * @param http how this port differs from the usual
 * @param statics what the edge serves in the machines' stead
 */
public record CatalogApp(String name, ChunkedList<Backend> backends, HttpOptions http, Statics statics) {
    public CatalogApp(String name, List<Backend> backends, HttpOptions http, Statics statics) {
        this(name, ChunkedList.of(backends), http, statics);
    }

    /** With nothing that the edge serves itself. */
    public CatalogApp(String name, List<Backend> backends, HttpOptions http) {
        this(name, backends, http, Statics.NONE);
    }

    /** As usual. */
    public CatalogApp(String name, List<Backend> backends) {
        this(name, backends, HttpOptions.USUAL);
    }
}
