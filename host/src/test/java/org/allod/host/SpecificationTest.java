package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every promise in SPECIFICATION.md names a test that exists. */
class SpecificationTest {
    private static final Path CLONE = Path.of(System.getProperty("allod.clone"));
    /** The name of a class: what else is in backticks there begins with a small letter or is a command. */
    private static final Pattern CLASS = Pattern.compile("`([A-Z][A-Za-z0-9]+)`");

    @Test
    void everyClassThatHoldsAPromise_exists() throws Exception {
        Set<String> named = CLASS.matcher(Files.readString(CLONE.resolve("SPECIFICATION.md")))
                .results()
                .map((MatchResult r) -> r.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(named).contains("StormTest", "RunTypeHarness", "RecoveryBench");

        named.removeAll(classes());

        assertThat(named).as("named in SPECIFICATION.md, and no class").isEmpty();
    }

    private static Set<String> classes() throws Exception {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> rooms = Files.list(CLONE)) {
            for (Path source : rooms.map(room -> room.resolve("src"))
                    .filter(Files::isDirectory)
                    .toList()) {
                try (Stream<Path> files = Files.walk(source)) {
                    files.map(file -> file.getFileName().toString())
                            .filter(name -> name.endsWith(".java"))
                            .forEach(name -> names.add(name.replace(".java", "")));
                }
            }
        }
        return names;
    }
}
