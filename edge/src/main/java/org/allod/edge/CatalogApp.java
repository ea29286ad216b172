package org.allod.edge;

import java.util.List;

/**
 * An app and its machines, as one port serves them.
 *
 * @param name the label before the domain in its host name, in lower case
 * @param http how HTTP on this port differs from the defaults
 * @param statics files that the edge serves instead of the machines
 */
public record CatalogApp(String name, ChunkedList<Backend> backends, HttpOptions http, Statics statics) {
    public CatalogApp(String name, List<Backend> backends, HttpOptions http, Statics statics) {
        this(name, ChunkedList.of(backends), http, statics);
    }

    /** An app without static files. */
    public CatalogApp(String name, List<Backend> backends, HttpOptions http) {
        this(name, backends, http, Statics.NONE);
    }

    /** An app with the default options. */
    public CatalogApp(String name, List<Backend> backends) {
        this(name, backends, HttpOptions.USUAL);
    }
}
