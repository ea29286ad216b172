package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.allod.base.FatalErrors;
import org.junit.jupiter.api.Test;

/** Netty counts its direct memory itself, and its loops log whatever a task of theirs throws and go on. */
class NettyOutOfMemoryTest {
    /** A process whose event loop runs out of direct memory. */
    static final class Child {
        private Child() {}

        public static void main(String[] args) throws Exception {
            FatalErrors.install();
            try (var loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory())) {
                loop.execute(() -> UnpooledByteBufAllocator.DEFAULT.directBuffer(1 << 30));
                loop.submit(() -> System.out.println("goes on")).get(30, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void eventLoop_outOfDirectMemory_endsTheProcess() throws Exception {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx32m",
                        "-Dio.netty.maxDirectMemory=1048576",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName())
                .redirectErrorStream(true)
                .start();
        String said = new String(child.getInputStream().readAllBytes());
        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(child.exitValue()).as(said).isEqualTo(FatalErrors.EXIT_CODE);
        assertThat(said).doesNotContain("goes on");
    }
}
