package org.allod.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.allod.base.RejectedException;
import org.allod.linux.RegularFile;

/**
 * An OCI image layout on disk.
 *
 * @see <a href="https://github.com/opencontainers/image-spec/blob/main/image-layout.md">OCI image layout</a>
 */
final class OciLayoutDirectory implements ImageSource {
    private final Path folder;
    private final ImageLimits limits;

    OciLayoutDirectory(Path folder, ImageLimits limits) {
        this.folder = folder;
        this.limits = limits;
        if (!Files.isRegularFile(folder.resolve("oci-layout")) || !Files.isRegularFile(folder.resolve("index.json"))) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    folder + " is not an OCI image layout: it has no oci-layout or no index.json",
                    "give the folder that skopeo, buildah or docker buildx wrote, or a tar archive of one");
        }
    }

    @Override
    public String name() {
        return folder.toString();
    }

    @Override
    public Document top() throws IOException {
        return new Document(bounded(folder.resolve("index.json")), OciJson.OCI_INDEX);
    }

    @Override
    public Document manifest(Descriptor descriptor) throws IOException {
        return new Document(bounded(path(descriptor)), descriptor.mediaType());
    }

    @Override
    public Part open(Descriptor blob, long offset) throws IOException {
        try {
            SeekableByteChannel channel = RegularFile.open(path(blob));
            channel.position(offset);
            return new Part(Channels.newInputStream(channel), offset);
        } catch (NoSuchFileException e) {
            throw missing(blob);
        }
    }

    private byte[] bounded(Path file) throws IOException {
        try (InputStream in = Channels.newInputStream(RegularFile.open(file))) {
            return ManifestResolver.bounded(in, limits.manifestBytes(), name());
        } catch (NoSuchFileException e) {
            throw RejectedException.invalid(
                    "the layout " + folder + " is incomplete: " + file.getFileName() + " is missing");
        }
    }

    private RejectedException missing(Descriptor blob) {
        return RejectedException.invalid(
                "the layout " + folder + " is incomplete: blob " + blob.digest() + " is missing");
    }

    private Path path(Descriptor descriptor) {
        return folder.resolve("blobs")
                .resolve("sha256")
                .resolve(descriptor.digest().hex());
    }
}
