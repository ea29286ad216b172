package org.allod.image;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a layout or an archive lies, and which of its images is meant: {@code PATH} or {@code PATH:NAME}.
 *
 * @param path absolute
 * @param image the name the layout itself gives the image; empty for the only one
 */
record LayoutReference(Path path, Optional<String> image) {
    /** A colon belongs to the path where a file of that whole name exists. */
    static LayoutReference parse(String text) {
        Path whole = Path.of(text).toAbsolutePath().normalize();
        int colon = text.lastIndexOf(':');
        if (colon <= 0 || colon < text.lastIndexOf('/') || Files.exists(whole)) {
            return new LayoutReference(whole, Optional.empty());
        }
        Path path = Path.of(text.substring(0, colon)).toAbsolutePath().normalize();
        return new LayoutReference(path, Optional.of(text.substring(colon + 1)));
    }

    @Override
    public String toString() {
        return image.map(name -> path + ":" + name).orElseGet(path::toString);
    }
}
