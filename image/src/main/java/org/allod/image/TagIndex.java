package org.allod.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.Set;
import java.util.TreeMap;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Maps names to images, and records which images each app was granted. One small file, replaced atomically: after a
 * crash it is the old one or the new one. Safe for any thread; a change is durable when the method returns.
 */
final class TagIndex {
    private static final SequencedSet<Digest> NONE = new LinkedHashSet<>();

    private final Path file;
    /** Maximum grants remembered for one app; the oldest is dropped, and that image can be pulled again. */
    private static final int MOST_GRANTS = 500;

    private final TreeMap<String, Digest> digests = new TreeMap<>();

    /** Which apps were given which content, the latest last. */
    private final TreeMap<String, SequencedSet<Digest>> grants = new TreeMap<>();

    TagIndex(Path file) throws IOException {
        this.file = file;
        if (!Files.exists(file)) {
            return;
        }
        try {
            JsonNode whole = OciJson.parse(Files.readAllBytes(file), "list of names");
            JsonNode all = whole.path("references");
            all.propertyNames().forEach(name -> digests.put(name, Digest.parse(OciJson.text(all, name, ""), name)));
            JsonNode apps = whole.path("apps");
            for (String app : apps.propertyNames()) {
                LinkedHashSet<Digest> given = new LinkedHashSet<>();
                apps.path(app).forEach(digest -> given.add(Digest.parse(digest.asString(""), app)));
                grants.put(app, given);
            }
        } catch (RejectedException e) {
            throw new FailedException("the list of image names " + file + " is damaged (" + e.getMessage()
                    + "); remove it, then pull or build the images again");
        }
    }

    synchronized Optional<Digest> find(String name) {
        return Optional.ofNullable(digests.get(name));
    }

    synchronized Map<String, Digest> all() {
        return new TreeMap<>(digests);
    }

    synchronized void set(String name, Digest digest) throws IOException {
        if (digest.equals(digests.get(name))) {
            return;
        }
        TreeMap<String, Digest> next = new TreeMap<>(digests);
        next.put(name, digest);
        save(next, grants);
        digests.put(name, digest);
    }

    synchronized boolean remove(String name) throws IOException {
        if (!digests.containsKey(name)) {
            return false;
        }
        TreeMap<String, Digest> next = new TreeMap<>(digests);
        next.remove(name);
        save(next, grants);
        digests.remove(name);
        return true;
    }

    /** Whether {@code app} was granted this content. */
    synchronized boolean granted(String app, Digest digest) {
        return grants.getOrDefault(app, NONE).contains(digest);
    }

    /** Everything that {@code app} was granted. */
    synchronized Set<Digest> granted(String app) {
        return Set.copyOf(grants.getOrDefault(app, NONE));
    }

    /** Grants content to apps: they may use it from now on. */
    synchronized void grant(Map<String, Set<Digest>> given) throws IOException {
        boolean changed = false;
        Map<String, SequencedSet<Digest>> next = copyOfGrants();
        for (Map.Entry<String, Set<Digest>> one : given.entrySet()) {
            SequencedSet<Digest> all = next.computeIfAbsent(one.getKey(), app -> new LinkedHashSet<>());
            changed |= all.addAll(one.getValue());
            while (all.size() > MOST_GRANTS) {
                all.removeFirst();
            }
        }
        if (changed) {
            replaceGrants(next);
        }
    }

    private Map<String, SequencedSet<Digest>> copyOfGrants() {
        TreeMap<String, SequencedSet<Digest>> copy = new TreeMap<>();
        grants.forEach((app, given) -> copy.put(app, new LinkedHashSet<>(given)));
        return copy;
    }

    /** Durable first: what could not be written is not known either, so that the next try writes it. */
    private void replaceGrants(Map<String, SequencedSet<Digest>> next) throws IOException {
        save(digests, next);
        grants.clear();
        grants.putAll(next);
    }

    /** The apps that were given any. */
    synchronized Set<String> apps() {
        return Set.copyOf(grants.keySet());
    }

    /** Removes an app's grants. */
    synchronized void forget(String app) throws IOException {
        if (grants.containsKey(app)) {
            Map<String, SequencedSet<Digest>> next = copyOfGrants();
            next.remove(app);
            replaceGrants(next);
        }
    }

    /** Removes the grants of content that is no longer here. */
    synchronized void forget(Digest gone) throws IOException {
        boolean changed = false;
        Map<String, SequencedSet<Digest>> next = copyOfGrants();
        for (Set<Digest> given : next.values()) {
            changed |= given.remove(gone);
        }
        if (changed) {
            replaceGrants(next);
        }
    }

    private void save(Map<String, Digest> next, Map<String, SequencedSet<Digest>> nextGrants) throws IOException {
        ObjectNode json = OciJson.MAPPER.createObjectNode().put("version", 1);
        ObjectNode all = json.putObject("references");
        next.forEach((name, digest) -> all.put(name, digest.toString()));
        ObjectNode apps = json.putObject("apps");
        nextGrants.forEach(
                (app, given) -> given.forEach(digest -> apps.withArray(app).add(digest.toString())));
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        Files.write(draft, OciJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(json));
        StagingFiles.sync(draft);
        StagingFiles.publish(draft, file);
    }
}
