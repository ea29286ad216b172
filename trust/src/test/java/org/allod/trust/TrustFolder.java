package org.allod.trust;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.allod.base.IdGenerator;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;

/** A real database and host key in a folder, opened as the daemon does. */
final class TrustFolder implements AutoCloseable {
    final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
    final IdGenerator ids = new IdGenerator(time, Rng.seeded(1));
    final Database database;
    final TrustModule trust;

    TrustFolder(Path folder) {
        this(folder, false);
    }

    TrustFolder(Path folder, boolean forget) {
        this(folder, forget, Optional.empty());
    }

    /** @param roots authorities that count for host names */
    TrustFolder(Path folder, boolean forget, Optional<Path> roots) {
        database = Database.open(folder.resolve("host.db"), DatabaseOptions.defaults(), List.of(TrustSchema.SCHEMA));
        try {
            trust = TrustModule.open(database, folder.resolve("host.key"), forget, roots, time, ids);
        } catch (RuntimeException e) {
            database.close();
            throw e;
        }
    }

    /** Files in the folder that have these bytes in them. */
    static List<Path> holding(Path folder, String planted) throws IOException {
        byte[] wanted = planted.getBytes(StandardCharsets.UTF_8);
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(f -> contains(f, wanted))
                    .toList();
        }
    }

    private static boolean contains(Path file, byte[] wanted) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)
                    .contains(new String(wanted, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        database.close();
    }
}
