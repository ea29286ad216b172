package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegularFileTest {
    @TempDir
    Path folder;

    @Test
    void regularFile_isRead() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "content");
        try (FileChannel channel = RegularFile.open(file)) {
            ByteBuffer buffer = ByteBuffer.allocate(16);
            assertThat(channel.read(buffer)).isEqualTo(7);
        }
    }

    @Test
    void whatIsNoRegularFile_isNeverOpened_andNeverWaitedFor() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "content");
        Path link = Files.createSymbolicLink(folder.resolve("link"), file);
        Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), folder.resolve("nowhere"));
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        Path socket = folder.resolve("socket");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            for (Path path : List.of(link, dangling, pipe, socket, folder, Path.of("/dev/zero"), Path.of("/dev/tty"))) {
                assertTimeoutPreemptively(
                        Duration.ofSeconds(10),
                        () -> assertThatExceptionOfType(RegularFile.NotRegular.class)
                                .as(path.toString())
                                .isThrownBy(() -> RegularFile.open(path).close()));
            }
        }
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> RegularFile.open(folder.resolve("nowhere")).close());
    }
}
