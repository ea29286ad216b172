package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.allod.base.FailedException;
import org.allod.base.SystemTimers;
import org.allod.linux.Command;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hostile QEMU, simulated by its control socket. */
class QmpTest {
    private static final String GREETING = "{\"QMP\": {}}\n";
    private static final String DONE = "{\"return\": {}}\n";
    private static final String EVENT = "{\"event\": \"RESUME\", \"data\": {}}\n";

    /** The tests' own user, who listens here. */
    private static final int ROOT = 0;

    @TempDir
    Path folder;

    private final SystemTimers timers = new SystemTimers();
    private ServerSocketChannel server;
    private Path socket;

    @BeforeEach
    void listen() throws IOException {
        socket = folder.resolve("qmp.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
    }

    @AfterEach
    void close() throws IOException {
        server.close();
        timers.close();
    }

    /** Greets, takes the first command, and goes on with {@code line} until nobody listens. */
    private void answering(String line) {
        Thread.ofVirtual().start(() -> {
            try (SocketChannel client = server.accept()) {
                write(client, GREETING);
                client.read(ByteBuffer.allocate(4096));
                write(client, DONE);
                client.read(ByteBuffer.allocate(4096));
                while (true) {
                    write(client, line);
                }
            } catch (IOException e) {
                // The client has gone.
            }
        });
    }

    private static void write(SocketChannel client, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            client.write(bytes);
        }
    }

    @Test
    void eventsWithoutEnd_areNotWaitedThrough() {
        answering(EVENT);
        try (Qmp qmp = Qmp.open(socket, ROOT, timers)) {
            assertThatThrownBy(() -> qmp.run("stop"))
                    .isInstanceOf(FailedException.class)
                    .hasMessageContaining("events came, and no answer");
        }
    }

    @Test
    void lineWithoutEnd_isCut() {
        answering("x".repeat(1000));
        try (Qmp qmp = Qmp.open(socket, ROOT, timers)) {
            assertThatThrownBy(() -> qmp.run("stop"))
                    .isInstanceOf(FailedException.class)
                    .hasMessageContaining("a line of more than");
        }
    }

    @Test
    void socketOfSomebodyElse_isGivenNothing_andNothingIsTakenFromIt() {
        answering(DONE);
        assertThatThrownBy(() -> Qmp.open(socket, 12345, timers))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("answers at");
        Path file = folder.resolve("memory");
        Command.Result result = Command.of(
                        GuestBinary.path().toString(), "save", socket.toString(), "12345", "1000", file.toString())
                .run();
        assertThat(result.exit()).isEqualTo(125);
        assertThat(result.err()).contains("user 0 answers there, not 12345");
        assertThat(file).doesNotExist();
    }

    /** The worst that could happen here: to take the host's own files away. */
    @Test
    void processWithoutMountsOfItsOwn_isNotConfined() {
        Command.Result result = Command.of(
                        GuestBinary.path().toString(),
                        "confine",
                        "" + ProcessHandle.current().pid(),
                        "0",
                        folder.toString())
                .run();
        assertThat(result.exit()).isEqualTo(125);
        assertThat(result.err()).contains("has no mount namespace of its own");
    }
}
