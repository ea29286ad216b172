package org.allod.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.allod.base.FailedException;

/** The memory of this host, as its kernel reports it. */
final class HostMemory {
    /** Reserved for the host itself and the daemon. */
    static final long RESERVE_MB = 1_024;

    private HostMemory() {}

    static long totalMb() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
                if (line.startsWith("MemTotal:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) / 1_024;
                }
            }
        } catch (IOException e) {
            throw new FailedException("cannot read /proc/meminfo", e);
        }
        throw new FailedException("/proc/meminfo does not say MemTotal");
    }
}
