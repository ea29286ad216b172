package org.allod.runtime;

import java.nio.file.Path;

/**
 * The folders and network of one daemon's runtimes.
 *
 * @param data what must survive a reboot: a folder for each machine in {@code machines}, with its saved memory
 * @param run what must not: sockets and state of running guests; short, because a socket's path may have 107 characters
 * @param tools the bundled binaries: {@code allod-guest}, {@code runsc}, {@code kernel/}
 * @param network the machines' network; its instance name also names the control groups
 */
public record RuntimeConfig(Path data, Path run, Path tools, NetworkConfig network) {
    /** With {@code run} in its default place. */
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
