package org.allod.host;

import com.github.luben.zstd.util.Native;
import io.netty.channel.epoll.Epoll;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.allod.base.FailedException;
import org.allod.linux.Mounts;
import org.sqlite.SQLiteJDBCLoader;

/**
 * Loads the libraries that are not Java: those of SQLite, Netty and Zstandard. Each is unpacked into a file at every
 * start. On the disk that would fail just when the disk is full, and what a killed process had unpacked would gather for
 * ever; so they are unpacked into memory, a small tmpfs at the folder, which leaves the tree as soon as they are loaded
 * and is freed with the process. Where nothing can be mounted the folder itself is used, emptied at each start.
 */
final class NativeLibraries {
    private static final System.Logger LOG = System.getLogger("allod.host");

    private static final List<String> PROPERTIES =
            List.of("org.sqlite.tmpdir", "io.netty.native.workdir", "ZstdTempFolder");

    /** Of the size: the three take 3 MiB. */
    private static final String OPTIONS = "size=32m,mode=0700,nosuid,nodev";

    private NativeLibraries() {}

    /** Before any of them is needed, by the daemon that holds the data folder. */
    static void load(Path folder) {
        Mounts.detach(folder);
        empty(folder);
        boolean inMemory = mount(folder);
        PROPERTIES.forEach(name -> System.setProperty(name, folder.toString()));
        try {
            boolean _ = SQLiteJDBCLoader.initialize();
            Epoll.ensureAvailability();
            Native.load();
        } catch (Exception e) {
            throw new FailedException("cannot load the native libraries from " + folder + ": " + e.getMessage(), e);
        } finally {
            if (inMemory) {
                Mounts.detach(folder);
            }
        }
    }

    private static boolean mount(Path folder) {
        try {
            Mounts.mount("tmpfs", OPTIONS, "allod-native", folder);
            return true;
        } catch (FailedException e) {
            LOG.log(Level.INFO, "native libraries are unpacked on the disk, as nothing can be mounted at " + folder, e);
            return false;
        }
    }

    private static void empty(Path folder) {
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
    }
}
