package org.allod.edge;

import java.util.List;

/**
 * An app and its machines.
 *
 * @param name the label before the domain in its host name, in lower case
 */
public record App(String name, List<Backend> backends) {
    public App {
        backends = List.copyOf(backends);
    }
}
