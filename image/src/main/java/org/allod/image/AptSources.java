package org.allod.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.allod.base.RejectedException;

/**
 * The Debian part of the host's own apt sources. Builds use these, so that they take packages from the same mirrors and
 * pinned snapshots as the host; other vendors' sources are left out, because a build must not depend on what else is
 * installed on this host.
 */
final class AptSources {
    private AptSources() {}

    /**
     * Writes the sources into {@code into}.
     *
     * @return the mirrors argument for mmdebstrap: files of stanzas, and single lines
     */
    static List<String> find(Path apt, String suite, Path into) throws IOException {
        List<Path> files = new ArrayList<>();
        if (Files.exists(apt.resolve("sources.list"))) {
            files.add(apt.resolve("sources.list"));
        }
        Path more = apt.resolve("sources.list.d");
        if (Files.isDirectory(more)) {
            try (Stream<Path> found = Files.list(more)) {
                found.filter(path -> path.toString().endsWith(".list")
                                || path.toString().endsWith(".sources"))
                        .sorted()
                        .forEach(files::add);
            }
        }
        List<String> mirrors = new ArrayList<>();
        StringBuilder stanzas = new StringBuilder();
        for (Path file : files) {
            String text = Files.readString(file, StandardCharsets.UTF_8);
            if (file.toString().endsWith(".sources")) {
                stanzas(text, suite).forEach(stanza -> stanzas.append(stanza).append("\n\n"));
            } else {
                mirrors.addAll(lines(text, suite));
            }
        }
        if (!stanzas.isEmpty()) {
            mirrors.add(
                    Files.writeString(into.resolve("debian.sources"), stanzas).toString());
        }
        if (mirrors.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "there is no source of Debian packages for " + suite + " in " + apt,
                    "add Debian's own source to sources.list; images are built from where this host gets its packages");
        }
        return mirrors;
    }

    /** The stanzas (deb822) for {@code suite}, without comments. */
    static List<String> stanzas(String text, String suite) {
        List<String> kept = new ArrayList<>();
        for (String stanza : text.split("\n[ \t]*\n", -1)) {
            List<String> fields = stanza.lines()
                    .filter(line -> !line.startsWith("#") && !line.isBlank())
                    .toList();
            boolean ofSuite = fields.stream()
                    .filter(line -> line.regionMatches(true, 0, "Suites:", 0, 7))
                    .flatMap(line -> Stream.of(line.substring(7).trim().split("\\s+", -1)))
                    .anyMatch(name -> ours(name, suite));
            boolean on = fields.stream().noneMatch(line -> line.matches("(?i)Enabled:\\s*(no|false|0)\\s*"));
            boolean binary = fields.stream().anyMatch(line -> line.matches("(?i)Types:.*\\bdeb\\b(?!-).*"));
            if (ofSuite && on && binary) {
                kept.add(String.join("\n", fields));
            }
        }
        return kept;
    }

    /** The single lines for {@code suite}. */
    static List<String> lines(String text, String suite) {
        return text.lines()
                .map(line -> line.replaceFirst("#.*", "").trim())
                .filter(line -> line.startsWith("deb "))
                .filter(line -> {
                    String[] words = line.replaceFirst("\\[[^]]*]", "").trim().split("\\s+", -1);
                    return words.length > 2 && ours(words[2], suite);
                })
                .toList();
    }

    private static boolean ours(String name, String suite) {
        return name.equals(suite) || name.equals(suite + "-updates") || name.equals(suite + "-security");
    }
}
