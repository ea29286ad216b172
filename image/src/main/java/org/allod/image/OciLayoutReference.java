package org.allod.image;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * The path of a layout or archive, and which of its images to use: {@code PATH} or {@code PATH:NAME}.
 *
 * @param path absolute
 * @param image the image's name within the layout; empty for the only one
 */
record OciLayoutReference(Path path, Optional<String> image) {
    /** Takes the shortest path up to a colon that exists; if none does, the path is the whole text. */
    static OciLayoutReference parse(String text) {
        for (int colon = text.indexOf(':'); colon > 0; colon = text.indexOf(':', colon + 1)) {
            Path path = path(text.substring(0, colon));
            if (Files.exists(path)) {
                return new OciLayoutReference(path, Optional.of(text.substring(colon + 1)));
            }
        }
        return new OciLayoutReference(path(text), Optional.empty());
    }

    private static Path path(String text) {
        try {
            return Path.of(text).toAbsolutePath().normalize();
        } catch (InvalidPathException e) {
            throw RejectedException.invalid("\"" + UntrustedText.printable(text) + "\" is no path");
        }
    }

    @Override
    public String toString() {
        return image.map(name -> path + ":" + name).orElseGet(path::toString);
    }
}
