package org.allod.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.allod.base.Failed;

/** Named network namespaces, as {@code ip netns} keeps them. */
public final class NetNs {
    private static final Path FOLDER = Path.of("/run/netns");

    private NetNs() {}

    /** The file that stands for the namespace. */
    public static Path path(String name) {
        return FOLDER.resolve(name);
    }

    public static boolean exists(String name) {
        return Files.exists(path(name));
    }

    /** Names that begin with {@code prefix}. */
    public static Set<String> list(String prefix) {
        Set<String> names = new TreeSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(FOLDER, prefix + "*")) {
            files.forEach(file -> names.add(file.getFileName().toString()));
        } catch (NoSuchFileException e) {
            return names; // no namespace was ever named on this host
        } catch (IOException e) {
            throw new Failed("cannot list network namespaces in " + FOLDER + ": " + e.getMessage(), e);
        }
        return names;
    }
}
