package org.allod.image;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Parses the JSON documents of an image: index, manifest, configuration. Strict about the fields it needs and ignores
 * the rest; bounded in depth, length and number of elements. Pure.
 *
 * @see <a href="https://github.com/opencontainers/image-spec">the OCI image specification</a>
 */
final class OciJson {
    static final String OCI_INDEX = "application/vnd.oci.image.index.v1+json";
    static final String OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    static final String OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
    static final String OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
    static final String DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
    static final String DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
    static final String DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
    static final String DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    private static final Set<String> INDEXES = Set.of(OCI_INDEX, DOCKER_INDEX);
    private static final Set<String> MANIFESTS = Set.of(OCI_MANIFEST, DOCKER_MANIFEST);
    private static final Set<String> CONFIGS = Set.of(OCI_CONFIG, DOCKER_CONFIG);
    private static final Set<String> LAYERS = Set.of(
            OCI_LAYER,
            OCI_LAYER + "+gzip",
            OCI_LAYER + "+zstd",
            DOCKER_LAYER,
            "application/vnd.docker.image.rootfs.diff.tar",
            "application/vnd.docker.image.rootfs.diff.tar.zstd");

    /** Deeper and longer than any real document; the total size is limited before parsing. */
    private static final StreamReadConstraints BOUNDS = StreamReadConstraints.builder()
            .maxNestingDepth(32)
            .maxStringLength(1 << 20)
            .maxNameLength(4096)
            .maxNumberLength(32)
            .build();

    static final JsonMapper MAPPER = JsonMapper.builder(
                    JsonFactory.builder().streamReadConstraints(BOUNDS).build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final int MANY = 4096;

    private OciJson() {}

    /** The two kinds of document that a reference can refer to. */
    sealed interface Top {}

    /** One manifest per platform. */
    record Index(List<Child> children) implements Top {}

    /** A single {@link Manifest}. */
    record Single(Manifest manifest) implements Top {}

    /**
     * An entry of an index.
     *
     * @param platform such as {@code linux/amd64}; empty if absent
     * @param name the name that a layout gives it; empty if absent
     */
    record Child(Descriptor descriptor, String platform, String name) {}

    /**
     * Parses an index or a manifest.
     *
     * @param mediaType the media type that the source declares; if the document declares another it is refused, because
     *     two readings of one digest allow smuggling
     */
    static Top top(byte[] document, Optional<String> mediaType, ImageLimits limits) {
        JsonNode json = parse(document, "manifest");
        String inside = text(json, "mediaType", "");
        String outside = mediaType.orElse("");
        if (!inside.isEmpty() && !outside.isEmpty() && !inside.equals(outside)) {
            throw RejectedException.invalid("the manifest says it is " + UntrustedText.printable(inside)
                    + " but was delivered as " + UntrustedText.printable(outside));
        }
        String type = inside.isEmpty() ? outside : inside;
        if (INDEXES.contains(type) || (type.isEmpty() && json.has("manifests"))) {
            return index(json);
        }
        if (MANIFESTS.contains(type) || (type.isEmpty() && json.has("layers"))) {
            if (json.has("manifests")) {
                throw RejectedException.invalid("the manifest is an index too; it can be only one of them");
            }
            return new Single(manifest(json, Digest.of(document), limits));
        }
        throw RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                "the manifest is of a type Allod does not take: \"" + UntrustedText.printable(type) + "\"",
                "it takes OCI images and Docker's schema 2");
    }

    private static Index index(JsonNode json) {
        List<Child> children = new ArrayList<>();
        for (JsonNode child : list(json, "manifests", "index")) {
            JsonNode platform = child.path("platform");
            String name =
                    platform.isObject() ? text(platform, "os", "") + "/" + text(platform, "architecture", "") : "";
            children.add(new Child(
                    descriptor(child, "index"),
                    name,
                    text(child.path("annotations"), "org.opencontainers.image.ref.name", "")));
        }
        return new Index(children);
    }

    private static Manifest manifest(JsonNode json, Digest digest, ImageLimits limits) {
        Descriptor config = descriptor(json.path("config"), "manifest's config");
        if (!CONFIGS.contains(config.mediaType())) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "this is not a container image: its configuration is a "
                            + UntrustedText.printable(config.mediaType()),
                    "an artifact (a chart, a signature) cannot run");
        }
        bound(config.size(), limits.configBytes(), "configuration");
        List<Descriptor> layers = new ArrayList<>();
        for (JsonNode layer : list(json, "layers", "manifest")) {
            Descriptor descriptor = descriptor(layer, "layer");
            if (!LAYERS.contains(descriptor.mediaType())) {
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "the image has a layer of a type Allod does not take: "
                                + UntrustedText.printable(descriptor.mediaType()),
                        "layers are tar archives, plain or packed with gzip or zstd");
            }
            bound(descriptor.size(), limits.blobBytes(), "layer");
            layers.add(descriptor);
        }
        bound(layers.size(), limits.layers(), "number of layers");
        return new Manifest(digest, config, layers);
    }

    private static void bound(long value, long bound, String what) {
        if (value > bound) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "the image's " + what + " is " + value + "; the bound is " + bound);
        }
    }

    static Descriptor descriptor(JsonNode json, String where) {
        if (!json.isObject()) {
            throw RejectedException.invalid("the " + where + " has no descriptor");
        }
        JsonNode size = json.path("size");
        if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
            throw RejectedException.invalid("the " + where + " gives no valid size for a blob");
        }
        return new Descriptor(
                text(json, "mediaType", ""),
                Digest.parse(text(json, "digest", ""), "a blob of the " + where),
                size.longValue());
    }

    static JsonNode parse(byte[] document, String what) {
        try {
            JsonNode json = MAPPER.readTree(document);
            if (!json.isObject()) {
                throw RejectedException.invalid("the image's " + what + " is not a JSON object");
            }
            return json;
        } catch (JacksonException e) {
            throw RejectedException.invalid(
                    "the image's " + what + " is not valid JSON: " + UntrustedText.printable(e.getOriginalMessage()));
        }
    }

    static List<JsonNode> list(JsonNode json, String field, String where) {
        JsonNode value = json.path(field);
        if (!value.isArray() || value.size() > MANY) {
            throw RejectedException.invalid("the " + where + " has no valid list of " + field);
        }
        return List.copyOf(value.values());
    }

    static String text(@Nullable JsonNode json, String field, String otherwise) {
        JsonNode value = json == null ? null : json.get(field);
        if (value == null || value.isNull()) {
            return otherwise;
        }
        if (!value.isString()) {
            throw RejectedException.invalid("the image's " + field + " is not text");
        }
        return value.stringValue();
    }
}
