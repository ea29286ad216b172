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
 * Files that the edge serves instead of a machine: from the machine's image, opened for each request, so that a request
 * in progress finishes even if the image is replaced meanwhile.
 */
final class ImageStatics {
    private final Function<String, Optional<Image>> images;
    /** Root images already logged as unreadable from the host. */
    private final Set<Path> logged = ConcurrentHashMap.newKeySet();

    /** @param images finds an image by its digest */
    ImageStatics(Function<String, Optional<Image>> images) {
        this.images = images;
    }

    /** Empty while the machine's image is not known. */
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
            if (logged.add(root.get())) {
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
