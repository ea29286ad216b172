package org.allod.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** A folder that is deleted with the measurement. */
record TempDir(Path dir) implements AutoCloseable {
    /** @param parent on the disk to measure; empty for that of the working folder */
    static TempDir in(String parent) throws IOException {
        Path base = parent.isEmpty() ? Path.of("").toAbsolutePath() : Path.of(parent);
        return new TempDir(Files.createTempDirectory(base, ".allod-bench-"));
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> files = Files.walk(dir)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
