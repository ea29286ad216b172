package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.allod.linux.Command;

/**
 * A guest's root file system with a Java runtime in it: this build's own, cut down to the base module, with this host's C
 * library, a shell, and busybox for the rest.
 */
final class JavaImage {
    private static final Duration BOUND = Duration.ofMinutes(3);
    private static final List<String> PROGRAMS = List.of("/bin/sh", "/usr/bin/setsid", "/usr/bin/nsenter");
    private static final List<String> APPLETS = List.of("sleep", "dd", "mount", "cat", "ls");

    private JavaImage() {}

    /**
     * Builds it below {@code folder}.
     *
     * @param classes each becomes a place below {@code /app}, by its index: {@code /app/0} and so on
     */
    static Path build(Path folder, List<Path> classes) throws IOException {
        Path root = folder.resolve("root");
        for (String place : List.of("bin", "usr/bin", "etc", "proc", "sys", "dev", "tmp", "app")) {
            Files.createDirectories(root.resolve(place));
        }
        List<Path> needed = new ArrayList<>(PROGRAMS.stream().map(Path::of).toList());
        Path runtime = root.resolve("java");
        run(
                Path.of(System.getProperty("java.home"), "bin/jlink").toString(),
                "--add-modules",
                "java.base",
                "--strip-debug",
                "--no-header-files",
                "--no-man-pages",
                "--output",
                runtime.toString());
        run(runtime.resolve("bin/java").toString(), "-Xshare:dump", "-XX:+UseSerialGC");
        for (String program : PROGRAMS) {
            copy(Path.of(program).toRealPath(), root.resolve(program.substring(1)));
        }
        needed.add(runtime.resolve("bin/java"));
        try (Stream<Path> libraries = Files.walk(runtime.resolve("lib"))) {
            libraries.filter(file -> file.toString().endsWith(".so")).forEach(needed::add);
        }
        for (Path file : needed) {
            for (String library : libraries(file)) {
                copy(Path.of(library), root.resolve(library.substring(1)));
            }
        }
        copy(Path.of("/bin/busybox"), root.resolve("bin/busybox"));
        for (String applet : APPLETS) {
            Files.createSymbolicLink(root.resolve("bin/" + applet), Path.of("busybox"));
        }
        for (int i = 0; i < classes.size(); i++) {
            run("cp", "-r", classes.get(i).toString(), root.resolve("app/" + i).toString());
        }
        Path image = folder.resolve("java.erofs");
        run("mkfs.erofs", "--quiet", image.toString(), root.toString());
        return image;
    }

    private static void run(String... words) {
        var _ = Command.of(words).timeout(BOUND).output();
    }

    /** The dynamic linker's own word for what a program needs, and itself. */
    private static Set<String> libraries(Path program) {
        Set<String> found = new java.util.TreeSet<>();
        for (String line :
                Command.of("ldd", program.toString()).run().out().lines().toList()) {
            for (String word : line.strip().split(" ", -1)) {
                // What lies within the runtime finds its siblings there.
                if (word.startsWith("/") && !word.contains("/java/")) {
                    found.add(word);
                }
            }
        }
        return found;
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to.resolveSibling(""));
        Files.copy(from.toRealPath(), to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    }
}
