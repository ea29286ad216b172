package org.allod.host;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.allod.base.FailedException;

/**
 * Where bundled native libraries are unpacked to be loaded. Each library is unpacked at every start under a new name
 * and deleted when the process exits, but not when it is killed: in the system's temporary folder such files would
 * accumulate. Here each start removes what the last one left.
 */
final class NativeLibraries {
    /** The properties of SQLite, Netty and Zstandard. */
    private static final List<String> PROPERTIES =
            List.of("org.sqlite.tmpdir", "io.netty.native.workdir", "ZstdTempFolder");

    private NativeLibraries() {}

    /** Call before any of them is loaded, in the daemon that holds the data folder. */
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
