package org.allod.image;

import java.util.List;

/**
 * The manifest of one platform.
 *
 * @param digest of its exact bytes, which identifies the image
 * @param layers lowest first
 */
record Manifest(Digest digest, Descriptor config, List<Descriptor> layers) {
    Manifest {
        layers = List.copyOf(layers);
    }

    long bytes() {
        return layers.stream().mapToLong(Descriptor::size).sum() + config.size();
    }
}
