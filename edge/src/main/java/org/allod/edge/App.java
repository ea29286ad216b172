package org.allod.edge;

import java.util.List;

/**
 * An app and its machines, as one port serves them.
 *
 * @param name the label before the domain in its host name, in lower case
 * @param http how this port differs from the usual
 */
public record App(String name, List<Backend> backends, HttpOptions http) {
    public App {
        backends = List.copyOf(backends);
    }

    /** As usual. */
    public App(String name, List<Backend> backends) {
        this(name, backends, HttpOptions.USUAL);
    }
}
