package org.allod.host;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.allod.base.FailedException;

/**
 * Where libraries of ours that are not Java are unpacked to be loaded. Each does so at every start, under a name of its
 * own, and removes it when the process ends, which one that is killed never does: in the system's temporary folder they
 * would gather for ever. Here each start removes what the last one left.
 */
final class NativeLibraries {
    /** Of SQLite, Netty and Zstandard. */
    private static final List<String> PROPERTIES =
            List.of("org.sqlite.tmpdir", "io.netty.native.workdir", "ZstdTempFolder");

    private NativeLibraries() {}

    /** Before any of them is loaded, by the daemon that holds the data folder. */
    static void unpackIn(Path folder) {
        try {
            Files.createDirectories(folder);
            try (DirectoryStream<Path> left = Files.newDirectoryStream(folder)) {
                for (Path file : left) {
                    Files.delete(file);
                }
            }
        } catch (IOException e) {
            throw new FailedException("cannot empty the folder " + folder + ": " + e.getMessage(), e);
        }
        PROPERTIES.forEach(name -> System.setProperty(name, folder.toString()));
    }
}
