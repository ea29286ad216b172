package org.allod.image;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The format that {@code docker save} wrote before OCI layouts: a list of images, each a configuration and layers by
 * file name, without digests. The manifests are therefore built here, so that an image saved twice has one digest.
 */
final class DockerArchive implements ImageSource {
    private final Path path;
    private final TarIndex archive;
    private final ImageLimits limits;
    private final Map<Digest, byte[]> documents = new HashMap<>();
    private final Map<Digest, String> files = new HashMap<>();
    private final ArrayNode children = OciJson.MAPPER.createArrayNode();

    private DockerArchive(Path path, TarIndex archive, ImageLimits limits) {
        this.path = path;
        this.archive = archive;
        this.limits = limits;
    }

    static DockerArchive read(Path path, TarIndex archive, ImageLimits limits) throws IOException {
        DockerArchive source = new DockerArchive(path, archive, limits);
        byte[] list = archive.small("manifest.json", limits.manifestBytes());
        JsonNode images = OciJson.parse(wrapped(list), "list of images");
        for (JsonNode image : OciJson.list(images, "images", "archive")) {
            source.add(image);
        }
        return source;
    }

    /** Wraps the array in an object, because the document reader accepts only objects. */
    private static byte[] wrapped(byte[] array) {
        byte[] head = "{\"images\":".getBytes(StandardCharsets.UTF_8);
        byte[] whole = Arrays.copyOf(head, head.length + array.length + 1);
        System.arraycopy(array, 0, whole, head.length, array.length);
        whole[whole.length - 1] = '}';
        return whole;
    }

    private void add(JsonNode image) throws IOException {
        List<JsonNode> layers = OciJson.list(image, "Layers", "archive");
        if (layers.size() > limits.layers()) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    path + " has an image of " + layers.size() + " layers; the bound is " + limits.layers());
        }
        ObjectNode manifest = OciJson.MAPPER.createObjectNode();
        manifest.put("schemaVersion", 2).put("mediaType", OciJson.DOCKER_MANIFEST);
        manifest.set("config", OciLayoutWriter.json(file(OciJson.text(image, "Config", ""), OciJson.DOCKER_CONFIG)));
        ArrayNode list = manifest.putArray("layers");
        for (JsonNode layer : layers) {
            list.add(OciLayoutWriter.json(file(layer.isString() ? layer.stringValue() : "", OciJson.DOCKER_LAYER)));
        }
        byte[] document = OciJson.MAPPER.writeValueAsBytes(manifest);
        Digest digest = Digest.of(document);
        documents.put(digest, document);
        Descriptor descriptor = new Descriptor(OciJson.DOCKER_MANIFEST, digest, document.length);
        JsonNode tags = image.path("RepoTags");
        for (JsonNode tag : tags.isArray() && !tags.isEmpty() ? tags.values() : List.of(image)) {
            ObjectNode child = OciLayoutWriter.json(descriptor);
            child.putObject("annotations")
                    .put("org.opencontainers.image.ref.name", tag.isString() ? tag.stringValue() : "");
            children.add(child);
        }
    }

    private Descriptor file(String name, String type) throws IOException {
        try (InputStream in = archive.open(name, 0)) {
            Digest digest = Digest.of(in);
            files.put(digest, name);
            return new Descriptor(type, digest, archive.size(name));
        }
    }

    @Override
    public String name() {
        return path.toString();
    }

    @Override
    public Document top() {
        ObjectNode index = OciJson.MAPPER.createObjectNode().put("schemaVersion", 2);
        index.put("mediaType", OciJson.OCI_INDEX).set("manifests", children);
        return new Document(OciJson.MAPPER.writeValueAsBytes(index), OciJson.OCI_INDEX);
    }

    @Override
    public Document manifest(Descriptor descriptor) {
        byte[] document = documents.get(descriptor.digest());
        if (document == null) {
            throw RejectedException.invalid(path + " has no manifest " + descriptor.digest());
        }
        return new Document(document, descriptor.mediaType());
    }

    @Override
    public Part open(Descriptor blob, long offset) throws IOException {
        String file = files.get(blob.digest());
        if (file == null) {
            return new Part(new ByteArrayInputStream(new byte[0]), 0);
        }
        return new Part(archive.open(file, offset), offset);
    }
}
