package org.allod.image;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes OCI layouts, valid ones unless a test asks otherwise. */
final class OciLayoutBuilder {
    final Path folder;
    final List<ObjectNode> layers = new ArrayList<>();
    final List<String> unpacked = new ArrayList<>();
    String architecture = "amd64";
    String configType = OciJson.OCI_CONFIG;
    String extraConfig = "{\"Cmd\":[\"/bin/true\"],\"Env\":[\"A=b\"]}";

    OciLayoutBuilder(Path folder) throws IOException {
        this.folder = folder;
        Files.createDirectories(folder.resolve("blobs/sha256"));
        Files.writeString(folder.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    }

    OciLayoutBuilder layer(byte[] tar) throws IOException {
        return layer(tar, gzip(tar), OciJson.OCI_LAYER + "+gzip");
    }

    OciLayoutBuilder plain(byte[] tar) throws IOException {
        return layer(tar, tar, OciJson.OCI_LAYER);
    }

    OciLayoutBuilder zstd(byte[] tar) throws IOException {
        return layer(tar, Zstd.compress(tar), OciJson.OCI_LAYER + "+zstd");
    }

    OciLayoutBuilder layer(byte[] tar, byte[] packed, String type) throws IOException {
        unpacked.add(Digest.of(tar).toString());
        layers.add(blob(packed, type));
        return this;
    }

    ObjectNode blob(byte[] content, String type) throws IOException {
        Digest digest = Digest.of(content);
        Files.write(folder.resolve("blobs/sha256/" + digest.hex()), content);
        return OciLayoutWriter.json(new Descriptor(type, digest, content.length));
    }

    ObjectNode config() throws IOException {
        ObjectNode config = OciJson.MAPPER.createObjectNode();
        config.put("os", "linux").put("architecture", architecture);
        config.set("config", OciJson.MAPPER.readTree(extraConfig));
        ArrayNode ids = config.putObject("rootfs").put("type", "layers").putArray("diff_ids");
        unpacked.forEach(ids::add);
        return blob(OciJson.MAPPER.writeValueAsBytes(config), configType);
    }

    ObjectNode manifest() throws IOException {
        ObjectNode manifest = OciJson.MAPPER.createObjectNode();
        manifest.put("schemaVersion", 2).put("mediaType", OciJson.OCI_MANIFEST);
        manifest.set("config", config());
        ArrayNode all = manifest.putArray("layers");
        layers.forEach(all::add);
        return blob(OciJson.MAPPER.writeValueAsBytes(manifest), OciJson.OCI_MANIFEST);
    }

    /** Ends it, with one image. */
    Path done() throws IOException {
        return index(List.of(manifest()));
    }

    Path index(List<ObjectNode> manifests) throws IOException {
        ObjectNode index = OciJson.MAPPER.createObjectNode();
        index.put("schemaVersion", 2).put("mediaType", OciJson.OCI_INDEX);
        ArrayNode all = index.putArray("manifests");
        manifests.forEach(all::add);
        Files.write(folder.resolve("index.json"), OciJson.MAPPER.writeValueAsBytes(index));
        return folder;
    }

    static byte[] gzip(byte[] content) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(content);
        }
        return out.toByteArray();
    }

    static byte[] text(String text) {
        return text.getBytes(UTF_8);
    }
}
