package org.allod.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The images that are ready: one folder for each, named by the manifest's digest, with the file system image and its
 * metadata. A folder gets its name only when its content is durable, so a named one is always complete.
 */
final class ReadyImageStore {
    private static final System.Logger LOG = System.getLogger(ReadyImageStore.class.getName());
    private static final String CARD = "image.json";

    private final Path folder;

    ReadyImageStore(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    /** A ready image without a name. */
    record Ready(Digest digest, Image.Config config, Path rootImage, long bytes, Instant created) {
        Image named(String reference) {
            return new Image(reference, digest.toString(), config, rootImage, bytes, created);
        }
    }

    /** Makes the image durable and visible under its digest, atomically. */
    Ready publish(Digest digest, Image.Config config, Path rootImage, Path staging, Instant now) throws IOException {
        Path parcel = Files.createDirectory(staging.resolve("parcel"));
        Path root = Files.move(rootImage, parcel.resolve(rootImage.getFileName()));
        ObjectNode card = OciJson.MAPPER.createObjectNode();
        card.put("version", 1)
                .put("digest", digest.toString())
                .put("root", root.getFileName().toString())
                .put("bytes", Files.size(root))
                .put("created", now.toString());
        card.set("image", ImageConfigCodec.write(config, "linux/any", List.of()));
        Files.write(parcel.resolve(CARD), OciJson.MAPPER.writeValueAsBytes(card));
        StagingFiles.sync(root);
        StagingFiles.sync(parcel.resolve(CARD));
        StagingFiles.sync(parcel);
        StagingFiles.remove(path(digest)); // only ever a damaged one: a complete one is found before work starts
        StagingFiles.publish(parcel, path(digest));
        return find(digest).orElseThrow(() -> new IOException("the image cannot be read back"));
    }

    /** The image, if it is here and complete. */
    Optional<Ready> find(Digest digest) {
        Path home = path(digest);
        if (!Files.isDirectory(home)) {
            return Optional.empty();
        }
        try {
            JsonNode card = OciJson.parse(Files.readAllBytes(home.resolve(CARD)), "record");
            Path root = home.resolve(OciJson.text(card, "root", "none"));
            long bytes = card.path("bytes").asLong(-1);
            if (!Files.isRegularFile(root) || Files.size(root) != bytes) {
                throw new IOException("its file system image is missing or has the wrong size");
            }
            Image.Config config = ImageConfigCodec.parse(OciJson.MAPPER.writeValueAsBytes(card.path("image")))
                    .config();
            Instant created = Instant.parse(OciJson.text(card, "created", ""));
            return Optional.of(new Ready(digest, config, root, bytes, created));
        } catch (IOException | RejectedException | DateTimeParseException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "image {0} is damaged and will be made again: {1}",
                    digest,
                    e.getMessage());
            return Optional.empty();
        }
    }

    List<Digest> all() throws IOException {
        List<Digest> digests = new ArrayList<>();
        try (Stream<Path> homes = Files.list(folder)) {
            homes.forEach(home -> digests.add(new Digest(home.getFileName().toString())));
        }
        return digests;
    }

    /** Removes an image. It is moved out of sight first, so that a crash leaves no partial one under its name. */
    long remove(Digest digest, Path staging) throws IOException {
        if (!Files.isDirectory(path(digest))) {
            return 0;
        }
        Path aside = staging.resolve("removed-" + digest.hex());
        StagingFiles.publish(path(digest), aside);
        StagingFiles.sync(folder);
        return StagingFiles.remove(aside);
    }

    private Path path(Digest digest) {
        return folder.resolve(digest.hex());
    }
}
