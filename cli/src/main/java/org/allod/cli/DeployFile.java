package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.dataformat.toml.TomlFactory;

/** Finds and reads {@code allod.toml} or {@code fly.toml}. */
final class DeployFile {
    private static final long LONGEST = 1 << 20;
    private static final List<String> NAMES = List.of("allod.toml", "fly.toml");

    private DeployFile() {}

    /**
     * The file to use: the given one, or one given instead of the folder; else {@code allod.toml} in the folder, else
     * its {@code fly.toml}.
     */
    static Optional<Path> find(Path folder, Optional<String> named) {
        if (named.isPresent()) {
            return named.map(Path::of);
        }
        if (Files.isRegularFile(folder)) {
            return Optional.of(folder);
        }
        return NAMES.stream().map(folder::resolve).filter(Files::isRegularFile).findFirst();
    }

    static Path mustFind(Path folder, Optional<String> named) {
        Path file = find(folder, named)
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "there is no allod.toml or fly.toml in "
                                + folder.toAbsolutePath().normalize(),
                        "write one (docs/guide/deploy.md shows how), or name it with --config"));
        if (!Files.isRegularFile(file)) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND, "there is no file " + file, "name one that exists");
        }
        return file;
    }

    /** Reads the file. */
    static TomlTable read(Path file, Consumer<String> warn) {
        String text = text(file);
        try (JsonParser parser = new TomlFactory().createParser(ObjectReadContext.empty(), text)) {
            return new TomlTable(
                    new TomlTable.Source(file.toString(), TomlPositions.of(text), warn),
                    "",
                    Json.read(parser).map());
        } catch (JacksonException e) {
            String line = e.getLocation() == null || e.getLocation().getLineNr() < 1
                    ? ""
                    : ":" + e.getLocation().getLineNr();
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    file + line + ": not TOML: "
                            + e.getOriginalMessage().lines().findFirst().orElse(""),
                    "https://toml.io shows how it is written");
        }
    }

    private static String text(Path file) {
        try {
            if (Files.size(file) > LONGEST) {
                throw RejectedException.invalid(file + " is larger than 1 MiB, which is the limit for a configuration");
            }
            return Files.readString(file);
        } catch (java.nio.charset.MalformedInputException e) {
            throw RejectedException.invalid(file + " is not text in UTF-8");
        } catch (IOException e) {
            throw new FailedException("could not read " + file + ": " + e.getMessage(), e);
        }
    }
}
