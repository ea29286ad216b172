package org.allod.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;

/**
 * The daemon's data folder: readable by root only, and locked by one daemon at a time. The kernel releases the lock
 * when the process ends, however it ends.
 */
final class DataDirectoryLock implements AutoCloseable {
    private final Path folder;
    private final FileChannel channel;

    private DataDirectoryLock(Path folder, FileChannel channel) {
        this.folder = folder;
        this.channel = channel;
    }

    static DataDirectoryLock hold(Path folder) {
        try {
            Files.createDirectories(folder);
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
            FileChannel channel =
                    FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock;
            try {
                lock = channel.tryLock();
            } catch (OverlappingFileLockException e) {
                lock = null;
            }
            if (lock == null) {
                channel.close();
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "another daemon holds " + folder,
                        "use that one (`allod status --data " + folder + "`), or stop it with `allod down`");
            }
            return new DataDirectoryLock(folder, channel);
        } catch (IOException e) {
            throw new FailedException("cannot use the data folder " + folder + ": " + e, e);
        }
    }

    Path path(String name) {
        return folder.resolve(name);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new FailedException("cannot let go of the data folder " + folder, e);
        }
    }
}
