package org.allod.host;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Enforces the rooms and dependencies of docs/architecture.md. */
class ArchitectureTest {
    /** Lowest floor first. A room may use rooms before it in this list, never one after. */
    private static final List<String> FLOORS = List.of(
            "base", "linux", "store", "fsm", "observe", "image", "runtime", "machine", "deploy", "state", "edge",
            "trust", "api", "cli", "host", "sim", "bench");

    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("org.allod");

    @Test
    void rooms_useOnlyRoomsBelow() {
        for (int i = 0; i < FLOORS.size(); i++) {
            List<String> above = FLOORS.subList(i + 1, FLOORS.size()).stream()
                    .map(r -> "org.allod." + r)
                    .toList();
            if (!above.isEmpty()) {
                noClasses()
                        .that()
                        .resideInAPackage("org.allod." + FLOORS.get(i))
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(above.toArray(String[]::new))
                        .allowEmptyShould(true)
                        .check(HOUSE);
            }
        }
    }

    @Test
    void rooms_areFlat() {
        assertThat(HOUSE.stream().map(c -> c.getPackageName()).distinct().filter(p -> p.split("\\.").length != 3))
                .isEmpty();
    }

    @Test
    void clocksAndRandomness_areReadOnlyInBase() {
        noClasses()
                .that()
                .resideOutsideOfPackages("org.allod.base", "org.allod.bench")
                .should()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(java.time.Instant.class, "now")
                .orShould()
                .callMethod(java.time.LocalDateTime.class, "now")
                .orShould()
                .callMethod(java.util.UUID.class, "randomUUID")
                .orShould()
                .callMethod(Math.class, "random")
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .orShould()
                .callMethod(Thread.class, "sleep", java.time.Duration.class)
                .orShould()
                .callConstructor(java.util.Random.class)
                .orShould()
                .callConstructor(java.security.SecureRandom.class)
                .check(HOUSE);
    }

    /**
     * A thread that ends by a throwable must be seen, and one that must go on goes on: so threads are started through
     * SupervisedThread, SupervisedTask, SupervisedLoop or SupervisedTimer. The rest, and why they may:
     *
     * <ul>
     *   <li>api, image: work of one request, which ends with it and tells whoever asked
     *   <li>cli, bench: no daemon
     *   <li>store's GroupCommitWriter and ReaderPool, linux's Epoll: platform threads, since a foreign call holds its carrier; they
     *       guard each turn themselves
     *   <li>linux's PlatformThreads and FileCopy: a future tells the caller whatever came of it
     *   <li>HostMain: what the process does at its end
     *   <li>TrainingRecords: equipment of a benchmark
     * </ul>
     */
    @Test
    void threads_areStartedUnderSupervision() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "org.allod.base", "org.allod.api", "org.allod.image", "org.allod.cli", "org.allod.bench")
                .and()
                .haveNameNotMatching(
                        "org\\.allod\\.(store\\.(GroupCommitWriter|ReaderPool)|linux\\.(Epoll|PlatformThreads|FileCopy)|host\\.HostMain|machine\\.TrainingRecords)(\\$.*)?")
                .should()
                .callMethod(Thread.class, "ofVirtual")
                .orShould()
                .callMethod(Thread.class, "ofPlatform")
                .orShould()
                .callMethod(Thread.class, "startVirtualThread", Runnable.class)
                .orShould()
                .dependOnClassesThat()
                .belongToAnyOf(java.util.concurrent.Executors.class, java.util.Timer.class)
                .check(HOUSE);
    }

    @Test
    void sourceFiles_areShort() throws Exception {
        Path clone = Path.of(System.getProperty("allod.clone"));
        List<Long> lengths;
        try (Stream<Path> files = Files.walk(clone)) {
            lengths = files.filter(p -> p.toString().endsWith(".java"))
                    .filter(p -> p.toString().contains("/src/main/java/org/allod/"))
                    .map(ArchitectureTest::lines)
                    .sorted()
                    .toList();
        }
        assertThat(lengths).isNotEmpty();
        assertThat(lengths.get(lengths.size() / 2)).as("median length").isLessThanOrEqualTo(110);
        assertThat(lengths.get(lengths.size() * 9 / 10)).as("90th percentile").isLessThanOrEqualTo(350);
        assertThat(lengths.getLast()).as("longest file").isLessThanOrEqualTo(600);
    }

    private static long lines(Path file) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.count();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** A committed file that names a package registry's host would tie builds to one place. */
    @Test
    void committedFiles_nameNoRegistryHost() throws Exception {
        Path clone = Path.of(System.getProperty("allod.clone"));
        Process git = new ProcessBuilder("git", "-C", clone.toString(), "ls-files")
                .redirectErrorStream(true)
                .start();
        List<String> files =
                new String(git.getInputStream().readAllBytes()).lines().toList();
        assertThat(git.waitFor()).isZero();
        List<String> hosts = List.of(
                "repo.maven." + "apache.org",
                "deb." + "debian.org",
                "proxy." + "golang.org",
                "registry." + "npmjs.org",
                "static." + "crates.io",
                "files." + "pythonhosted.org");
        for (String file : files) {
            Path path = clone.resolve(file);
            if (Files.isRegularFile(path) && Files.size(path) < 1 << 20) {
                String text = new String(Files.readAllBytes(path), java.nio.charset.StandardCharsets.ISO_8859_1);
                assertThat(hosts).as(file).noneMatch(text::contains);
            }
        }
    }
}
