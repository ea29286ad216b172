package org.allod.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;

/**
 * Connection limits of each listener, so that none takes the file descriptors that another listener or a guest needs.
 * Limits that the operator does not set are derived from the process's descriptor limit.
 *
 * @param edge clients of the edge, on all of its ports
 * @param edgePerAddress of these from one address
 * @param api clients of the API over TCP
 * @param apiPerAddress of these from one address
 * @param socket clients of the API's Unix socket
 */
record ConnectionLimits(int edge, int edgePerAddress, int api, int apiPerAddress, int socket) {
    /** The limits if descriptors are plentiful. */
    private static final ConnectionLimits WANTED = new ConnectionLimits(10_000, 2_000, 1_024, 256, 256);

    private static final int FEWEST = 16;

    /**
     * Divides the descriptors: a quarter is reserved for guests, images and the database, the socket and the API get
     * small reserved shares, and the edge gets the rest. A client of the edge counts twice, because of its machine's
     * connection.
     *
     * @param openFiles descriptors that the process may have
     */
    static ConnectionLimits sharing(long openFiles) {
        long own = Math.max(256, openFiles / 4);
        int socket = share(openFiles / 32, WANTED.socket);
        int api = share(openFiles / 16, WANTED.api);
        int edge = share((openFiles - own - socket - api) / 2, WANTED.edge);
        return new ConnectionLimits(
                edge, share(edge / 4, WANTED.edgePerAddress), api, share(api / 4, WANTED.apiPerAddress), socket);
    }

    private static int share(long part, int wanted) {
        return (int) Math.max(FEWEST, Math.min(part, wanted));
    }

    /** The limits for this process. The JVM raises its soft limit to the hard one at start. */
    static ConnectionLimits usual() {
        return sharing(openFiles());
    }

    /** The maximum number of descriptors of this process. */
    static long openFiles() {
        Path limits = Path.of("/proc/self/limits");
        try {
            for (String line : Files.readAllLines(limits)) {
                if (line.startsWith("Max open files")) {
                    String soft =
                            line.substring("Max open files".length()).strip().split("\\s+", 2)[0];
                    return soft.equals("unlimited") ? Integer.MAX_VALUE : Long.parseLong(soft);
                }
            }
        } catch (IOException e) {
            throw new FailedException("cannot read " + limits + ": " + e.getMessage(), e);
        }
        throw new FailedException(limits + " does not say how many files may be open");
    }

    /** A copy with the limits that {@code edge=5000,api-address=64} sets. */
    ConnectionLimits with(String text) {
        ConnectionLimits limits = this;
        for (String word : text.split(",", 10)) {
            int at = word.indexOf('=');
            String name = at < 0 ? word : word.substring(0, at);
            int count = count(name, at < 0 ? "" : word.substring(at + 1));
            limits = switch (name) {
                case "edge" ->
                    new ConnectionLimits(count, limits.edgePerAddress, limits.api, limits.apiPerAddress, limits.socket);
                case "edge-address" ->
                    new ConnectionLimits(limits.edge, count, limits.api, limits.apiPerAddress, limits.socket);
                case "api" ->
                    new ConnectionLimits(
                            limits.edge, limits.edgePerAddress, count, limits.apiPerAddress, limits.socket);
                case "api-address" ->
                    new ConnectionLimits(limits.edge, limits.edgePerAddress, limits.api, count, limits.socket);
                default ->
                    throw RejectedException.invalid(
                            "a connection limit is \"%s\": allowed are %s, with a number such as edge=5000"
                                    .formatted(
                                            word,
                                            String.join(", ", List.of("edge", "edge-address", "api", "api-address"))));
            };
        }
        return limits;
    }

    private static int count(String name, String text) {
        try {
            int count = Integer.parseInt(text);
            if (count >= FEWEST && count <= 1_000_000) {
                return count;
            }
        } catch (NumberFormatException e) {
            // Reported below.
        }
        throw RejectedException.invalid("the connection limit %s is \"%s\": it must be a number from %d to 1000000"
                .formatted(name, text, FEWEST));
    }
}
