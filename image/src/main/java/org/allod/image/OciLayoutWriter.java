package org.allod.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Writes an OCI image layout with one image of one layer. */
final class OciLayoutWriter {
    private OciLayoutWriter() {}

    /** Moves {@code layer}, a plain tar archive, into a new layout at {@code folder}. */
    static Path write(Path folder, Path layer, Digest digest, Image.Config config, String platform) throws IOException {
        Path blobs = Files.createDirectories(folder.resolve("blobs").resolve("sha256"));
        Files.move(layer, blobs.resolve(digest.hex()));
        Descriptor ofLayer = new Descriptor(OciJson.OCI_LAYER, digest, Files.size(blobs.resolve(digest.hex())));
        Descriptor ofConfig =
                blob(blobs, OciJson.OCI_CONFIG, ImageConfigCodec.write(config, platform, List.of(digest)));
        ObjectNode manifest = OciJson.MAPPER.createObjectNode();
        manifest.put("schemaVersion", 2).put("mediaType", OciJson.OCI_MANIFEST);
        manifest.set("config", json(ofConfig));
        manifest.putArray("layers").add(json(ofLayer));
        ObjectNode index = OciJson.MAPPER.createObjectNode();
        index.put("schemaVersion", 2).put("mediaType", OciJson.OCI_INDEX);
        ObjectNode child = json(blob(blobs, OciJson.OCI_MANIFEST, manifest));
        String[] parts = platform.split("/", 2);
        child.putObject("platform").put("os", parts[0]).put("architecture", parts[1]);
        index.putArray("manifests").add(child);
        Files.write(folder.resolve("index.json"), bytes(index));
        Files.writeString(folder.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
        return folder;
    }

    private static Descriptor blob(Path blobs, String type, ObjectNode json) throws IOException {
        byte[] content = bytes(json);
        Digest digest = Digest.of(content);
        Files.write(blobs.resolve(digest.hex()), content);
        return new Descriptor(type, digest, content.length);
    }

    static ObjectNode json(Descriptor descriptor) {
        return OciJson.MAPPER
                .createObjectNode()
                .put("mediaType", descriptor.mediaType())
                .put("digest", descriptor.digest().toString())
                .put("size", descriptor.size());
    }

    private static byte[] bytes(ObjectNode json) {
        return OciJson.MAPPER.writeValueAsBytes(json);
    }
}
