package org.allod.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.allod.base.Failed;
import org.allod.base.Rejected;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which name means which image. One small file, replaced whole: after a crash it is the old one or the new one. Safe
 * from any thread; a change is durable when the method returns.
 */
final class References {
    private final Path file;
    private final TreeMap<String, Digest> digests = new TreeMap<>();

    References(Path file) throws IOException {
        this.file = file;
        if (!Files.exists(file)) {
            return;
        }
        try {
            JsonNode all =
                    ImageJson.parse(Files.readAllBytes(file), "list of names").path("references");
            all.propertyNames().forEach(name -> digests.put(name, Digest.parse(ImageJson.text(all, name, ""), name)));
        } catch (Rejected e) {
            throw new Failed("the list of image names " + file + " is damaged (" + e.getMessage()
                    + "); remove it, then pull or build the images again");
        }
    }

    synchronized Optional<Digest> find(String name) {
        return Optional.ofNullable(digests.get(name));
    }

    synchronized Map<String, Digest> all() {
        return new TreeMap<>(digests);
    }

    synchronized void put(String name, Digest digest) throws IOException {
        if (digest.equals(digests.get(name))) {
            return;
        }
        TreeMap<String, Digest> next = new TreeMap<>(digests);
        next.put(name, digest);
        save(next);
        digests.put(name, digest);
    }

    synchronized boolean remove(String name) throws IOException {
        if (!digests.containsKey(name)) {
            return false;
        }
        TreeMap<String, Digest> next = new TreeMap<>(digests);
        next.remove(name);
        save(next);
        digests.remove(name);
        return true;
    }

    private void save(Map<String, Digest> next) throws IOException {
        ObjectNode json = ImageJson.MAPPER.createObjectNode().put("version", 1);
        ObjectNode all = json.putObject("references");
        next.forEach((name, digest) -> all.put(name, digest.toString()));
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        Files.write(draft, ImageJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
        Disk.sync(draft);
        Disk.publish(draft, file);
    }
}
