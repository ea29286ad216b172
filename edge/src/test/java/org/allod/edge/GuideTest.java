package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class GuideTest {
    @Test
    void guide_listsEveryErrorCodeWithItsStatus() throws IOException {
        String guide = Files.readString(Path.of(System.getProperty("allod.clone"), "docs", "guide", "edge.md"));
        for (Problem problem : Problem.values()) {
            assertThat(guide).contains("| `" + problem.code() + "` | " + problem.status() + " | ");
        }
    }

    @Test
    void config_defaults_areTheseAndTheGuideTellsThem() {
        EdgeConfig config = EdgeConfig.at(new InetSocketAddress("127.0.0.1", 8080));
        assertThat(config.domain()).isEqualTo("localhost");
        assertThat(config.region()).isEqualTo("local");
        assertThat(config.threads()).isZero();
        assertThat(config.nativeTransport()).isTrue();
        assertThat(config.limits())
                .isEqualTo(new EdgeConfig.Limits(32_768, 100, 65_536, 10_000, 2_000, 512, 16_777_216, 128));
        assertThat(config.times())
                .isEqualTo(new EdgeConfig.Times(
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(75),
                        Duration.ofSeconds(60),
                        Duration.ofHours(1),
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(4),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(10),
                        Duration.ofMinutes(5),
                        Duration.ofSeconds(30)));
    }

    @Test
    void leaks_ofABuffer_areFound() {
        Leaks.watch();
        drop();
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> {
                    for (int i = 0; i < 20; i++) {
                        Leaks.none();
                    }
                })
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("leaked");
    }

    private static void drop() {
        for (int i = 0; i < 10; i++) {
            io.netty.buffer.PooledByteBufAllocator.DEFAULT.directBuffer(64).writeInt(i);
        }
    }
}
