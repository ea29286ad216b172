package org.allod.host;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.allod.edge.Statics;
import org.allod.image.Image;
import org.allod.image.ImageFile;
import org.allod.machine.Machine;

/**
 * What the edge serves in a machine's stead: files of its image, opened for each request, so that an image that is
 * replaced meanwhile is read to the end and then let go.
 */
final class ImageStatics {
    private final Function<String, Optional<Image>> images;
    /** Root images said to be of a kind that cannot be read from outside. */
    private final Set<Path> told = ConcurrentHashMap.newKeySet();

    /**
     * @param images an image by its digest
     */
    ImageStatics(Function<String, Optional<Image>> images) {
        this.images = images;
    }

    /** None while it is not known what the machine's image is. */
    Statics of(Machine m) {
        List<Statics.Place> places = m.config().statics().stream()
                .map(s -> new Statics.Place(s.urlPrefix(), s.guestPath(), s.index()))
                .toList();
        if (places.isEmpty() || m.image().isEmpty()) {
            return Statics.NONE;
        }
        String digest = m.image().get().digest();
        Optional<Path> root = images.apply(digest).map(Image::rootImage);
        if (root.isEmpty()) {
            return Statics.NONE;
        }
        if (!ImageFile.reads(root.get())) {
            if (told.add(root.get())) {
                System.getLogger("allod.host")
                        .log(
                                System.Logger.Level.WARNING,
                                "statics of machine %s are left to the machine: %s is no EROFS image; install erofs-utils and bring the image again"
                                        .formatted(m.id(), root.get()));
            }
            return Statics.NONE;
        }
        String mark = digest.substring(digest.indexOf(':') + 1).substring(0, 16);
        return new Statics(places, path -> ImageFile.open(root.get(), path).map(file -> new Content(file, mark)));
    }

    private record Content(ImageFile file, String mark) implements Statics.Content {
        @Override
        public long size() {
            return file.size();
        }

        @Override
        public Instant modified() {
            return file.modified();
        }

        @Override
        public String tag() {
            return mark + "-" + Long.toHexString(file.number());
        }

        @Override
        public int read(ByteBuffer into, long at) throws IOException {
            return file.read(into, at);
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
