package org.allod.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** A folder only root can enter: it holds set-user-id programs out of images nobody vouches for. */
final class PrivateDirectory {
    private PrivateDirectory() {}

    static void folder(Path folder) throws IOException {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    }
}
