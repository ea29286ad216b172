package org.allod.image;

import java.io.IOException;
import java.nio.file.Path;

/** An OCI image layout in a tar archive. */
record OciLayoutArchive(Path path, TarIndex archive, ImageLimits limits) implements ImageSource {
    @Override
    public String name() {
        return path.toString();
    }

    @Override
    public Document top() throws IOException {
        return new Document(archive.small("index.json", limits.manifestBytes()), OciJson.OCI_INDEX);
    }

    @Override
    public Document manifest(Descriptor descriptor) throws IOException {
        return new Document(archive.small(place(descriptor), limits.manifestBytes()), descriptor.mediaType());
    }

    @Override
    public Part open(Descriptor blob, long offset) throws IOException {
        return new Part(archive.open(place(blob), offset), offset);
    }

    private static String place(Descriptor descriptor) {
        return "blobs/sha256/" + descriptor.digest().hex();
    }
}
