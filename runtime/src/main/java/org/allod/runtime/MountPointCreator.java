package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.allod.base.FailedException;

/**
 * Creates a mount point in a layer over an image that has none there. Parent folders that the image has keep its owner
 * and mode, because those of the upper layer would hide them.
 */
final class MountPointCreator {
    private MountPointCreator() {}

    /**
     * @param image the read-only layer
     * @param over the layer above it
     * @param place an absolute path without {@code ..}
     */
    static void make(Path image, Path over, String place) {
        try {
            Path relative = Path.of("/").relativize(Path.of(place).normalize());
            for (int i = 1; i <= relative.getNameCount(); i++) {
                Path step = relative.subpath(0, i);
                Path made = over.resolve(step);
                if (Files.isDirectory(made, LinkOption.NOFOLLOW_LINKS)) {
                    continue;
                }
                Files.createDirectory(made);
                Path like = image.resolve(step);
                if (Files.isDirectory(like, LinkOption.NOFOLLOW_LINKS)) {
                    for (String attribute : List.of("unix:uid", "unix:gid", "unix:mode")) {
                        Files.setAttribute(
                                made, attribute, Files.getAttribute(like, attribute, LinkOption.NOFOLLOW_LINKS));
                    }
                }
            }
        } catch (IOException e) {
            throw new FailedException("cannot make a place for a volume at " + place + ": " + e.getMessage(), e);
        }
    }
}
