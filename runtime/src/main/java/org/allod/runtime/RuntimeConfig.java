package org.allod.runtime;

import java.nio.file.Path;

/**
 * Where the runtimes of one daemon keep what they keep.
 *
 * @param data what must survive a reboot: a folder for each machine in {@code machines}, saved memory in there
 * @param run what must not: sockets and states of running guests; short, as the path of a socket has 107 characters
 * @param tools the binaries we bring: {@code allod-guest}, {@code runsc}, {@code kernel/}
 * @param network how machines reach the world; its instance name also names our control groups
 */
public record RuntimeConfig(Path data, Path run, Path tools, NetworkConfig network) {
    /** With {@code run} in its usual place. */
    public static RuntimeConfig of(Path data, Path tools, NetworkConfig network) {
        return new RuntimeConfig(data, Path.of("/run/allod-" + network.instance()), tools, network);
    }

    Path machines() {
        return data.resolve("machines");
    }

    Path guestBinary() {
        return tools.resolve("allod-guest");
    }
}
