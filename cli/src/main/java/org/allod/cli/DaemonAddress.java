package org.allod.cli;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.allod.base.RejectedException;

/** The address of the daemon. */
sealed interface DaemonAddress {
    /** The socket in the data folder: without a token, because the kernel identifies the caller. */
    record Unix(Path socket) implements DaemonAddress {
        @Override
        public SocketChannel connect() {
            if (socket.toString().length() > 107) {
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "the path of the daemon's socket is longer than the 107 characters Linux allows: " + socket,
                        "choose a shorter --data folder");
            }
            try {
                SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                try {
                    channel.connect(UnixDomainSocketAddress.of(socket));
                    return channel;
                } catch (IOException e) {
                    channel.close();
                    throw e;
                }
            } catch (IOException e) {
                throw noDaemon(e);
            }
        }

        private DaemonUnreachableException noDaemon(IOException e) {
            if (Files.exists(socket) && !Files.isWritable(socket)) {
                return new DaemonUnreachableException(
                        "this user may not open the daemon's socket " + socket, "run the command as root");
            }
            Path folder = socket.toAbsolutePath().getParent();
            if (folder != null && !Files.isDirectory(folder)) {
                return new DaemonUnreachableException(
                        "no daemon: the data folder " + folder + " does not exist",
                        "start one with `allod up`, or name the right folder with --data or ALLOD_DATA");
            }
            return new DaemonUnreachableException(
                    "no daemon answers at " + socket + " (" + e.getMessage() + ")",
                    "start one with `allod up`, or name the right folder with --data or ALLOD_DATA");
        }

        @Override
        public Optional<String> token() {
            return Optional.empty();
        }

        @Override
        public String host() {
            return "localhost";
        }
    }

    /** TCP, with the operator's token. */
    record Tcp(String host, int port, Optional<String> token) implements DaemonAddress {
        @Override
        public SocketChannel connect() {
            try {
                SocketChannel channel = SocketChannel.open();
                try {
                    // A blocking channel has no connect timeout; its socket adapter has.
                    channel.socket().connect(new InetSocketAddress(host, port), CONNECT_MILLIS);
                    return channel;
                } catch (IOException | IllegalArgumentException e) {
                    channel.close();
                    throw e;
                }
            } catch (IOException | IllegalArgumentException e) {
                throw new DaemonUnreachableException(
                        "no daemon answers at " + host + ":" + port + " (" + e.getMessage() + ")",
                        "start one with `allod up`, or name the right address with --api or ALLOD_API");
            }
        }
    }

    /** Longer than any round trip with one lost packet. */
    int CONNECT_MILLIS = 5_000;

    SocketChannel connect();

    Optional<String> token();

    String host();

    /** Parses {@code HOST:PORT}, {@code [IPV6]:PORT} or {@code unix:PATH}, with or without {@code http://}. */
    static DaemonAddress parse(String text, Optional<String> token) {
        if (text.startsWith("unix:")) {
            return new Unix(Path.of(text.substring("unix:".length())));
        }
        String rest = text.startsWith("http://") ? text.substring("http://".length()) : text;
        rest = rest.endsWith("/") ? rest.substring(0, rest.length() - 1) : rest;
        int colon = rest.lastIndexOf(':');
        try {
            int port = Integer.parseInt(rest.substring(colon + 1));
            String host = rest.substring(0, Math.max(colon, 0));
            if (colon > 0 && port > 0 && port < 65536) {
                return new Tcp(host.startsWith("[") ? host.substring(1, host.length() - 1) : host, port, token);
            }
        } catch (NumberFormatException e) {
            // Reported below.
        }
        throw RejectedException.because(
                RejectedException.Reason.INVALID,
                "'" + text + "' is not an address of the API",
                "write HOST:PORT, such as 127.0.0.1:4280, or unix:PATH");
    }
}
