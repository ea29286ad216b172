package org.allod.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The training run for the command's AOT cache: the most common commands, against a listener that gives one fixed
 * answer. The build runs it with {@code -XX:AOTCacheOutput}; the real command starts with the classes that are loaded
 * and linked here.
 */
public final class CliAotTraining {
    private static final String MACHINES = """
            {"machines":[{"app_name":"hello","id":"0123456789abcd","name":"hello-1","state":"started",\
            "private_ip":"fd00::1","created_at":"2026-01-01T00:00:00Z","config":{"image":"hello","guest":{"cpus":1}}}]}""";

    private CliAotTraining() {}

    public static void main(String[] args) throws IOException {
        Path data = Files.createTempDirectory("allod-training");
        Path socket = data.resolve("allod.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            Thread.ofPlatform().daemon().start(() -> serve(server));
            for (List<String> command : List.of(
                    List.of("machine", "list"),
                    List.of("machine", "list", "--json"),
                    List.of("help", "machine", "list"),
                    List.of("machine", "show", "hello-1"),
                    List.of("machine", "lst"),
                    List.of("help"))) {
                Console console = new Console(sink(), sink(), Set.of(), true);
                Main.run(command, console, Map.of("ALLOD_DATA", data.toString()));
            }
            Console.ofProcess().flush();
        } finally {
            Files.deleteIfExists(socket);
            Files.delete(data);
        }
    }

    private static PrintStream sink() {
        OutputStream nowhere = new ByteArrayOutputStream();
        return new PrintStream(nowhere, false, StandardCharsets.UTF_8);
    }

    private static void serve(ServerSocketChannel server) {
        byte[] answer = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + MACHINES.length()
                        + "\r\n\r\n" + MACHINES)
                .getBytes(StandardCharsets.UTF_8);
        while (server.isOpen()) {
            try (SocketChannel client = server.accept()) {
                client.read(ByteBuffer.allocate(8192));
                Channels.newOutputStream(client).write(answer);
            } catch (IOException e) {
                return;
            }
        }
    }
}
