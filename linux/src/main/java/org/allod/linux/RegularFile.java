package org.allod.linux;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Opens files whose names or content are not trusted. It opens only regular files: a FIFO would block for ever, and
 * opening some devices has effects (a tape rewinds, a watchdog starts). It looks the name up once, without opening the
 * file ({@code O_PATH}) and without following a symbolic link at the end, and then opens what it has checked, even if
 * the name changes meanwhile.
 */
public final class RegularFile {
    private static final int O_NOFOLLOW = 0x20000;
    private static final int O_PATH = 0x200000;
    private static final int TYPE = 0170000;
    private static final int REGULAR = 0100000;
    private static final int EACCES = 13;

    private RegularFile() {}

    /** The path names something that is not a regular file. */
    public static final class NotRegular extends FileSystemException {
        NotRegular(Path path) {
            super(path.toString(), null, "it is not a regular file");
        }
    }

    /**
     * Opens {@code path} to read it.
     *
     * @throws NotRegular if it is a folder, a symbolic link, a FIFO, a socket or a device
     * @throws NoSuchFileException if it does not exist
     */
    public static FileChannel open(Path path) throws IOException {
        int fd = Libc.open(path.toString(), O_PATH | O_NOFOLLOW);
        if (fd < 0) {
            throw switch (-fd) {
                case Libc.ENOENT -> new NoSuchFileException(path.toString());
                case EACCES -> new AccessDeniedException(path.toString());
                default -> new FileSystemException(path.toString(), null, Libc.error(-fd));
            };
        }
        try {
            Path held = Path.of("/proc/self/fd/" + fd);
            int mode = (int) Files.getAttribute(held, "unix:mode");
            if ((mode & TYPE) != REGULAR) {
                throw new NotRegular(path);
            }
            return FileChannel.open(held, StandardOpenOption.READ);
        } finally {
            var _ = Libc.close(fd);
        }
    }
}
