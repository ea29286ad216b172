package org.allod.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The user id this process runs as. */
final class ProcessUid {
    static final int OWN = own();

    private ProcessUid() {}

    private static int own() {
        try {
            return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            return 0;
        }
    }
}
