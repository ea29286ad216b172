package org.allod.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Responses that a daemon, or another program at its address, might send. */
class HttpConnectionTest {
    @TempDir
    Path data;

    private FakeDaemon fake;
    private DaemonClient daemon;

    @BeforeEach
    void start() throws IOException {
        fake = new FakeDaemon(data);
        daemon = new DaemonClient(new DaemonAddress.Unix(data.resolve("allod.sock")));
    }

    @AfterEach
    void stop() throws IOException {
        fake.close();
    }

    private void answers(String raw) {
        fake.talk("GET /x", (request, in, out) -> out.write(raw.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void chunkedBody_isPutTogether() {
        answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n5;x=y\r\n\":12}\r\n0\r\n\r\n");

        assertThat(daemon.get("/x")).isEqualTo(Json.obj("a", 12));
    }

    @Test
    void bodyUntilClose_isReadToItsEnd() {
        answers("HTTP/1.0 200 OK\r\n\r\n[1]");

        assertThat(daemon.get("/x").items()).hasSize(1);
    }

    @Test
    void bodyCutShort_isAFailure() {
        answers("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}");
        assertThatThrownBy(() -> daemon.get("/x"))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("in the middle");

        answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}");
        assertThatThrownBy(() -> daemon.get("/x"))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("in the middle");
    }

    @Test
    void nonsense_isNamed() {
        answers("SSH-2.0-OpenSSH\r\n");
        assertThatThrownBy(() -> daemon.get("/x"))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("does not speak HTTP");

        answers("");
        assertThatThrownBy(() -> daemon.get("/x"))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("without answering");

        answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        assertThatThrownBy(() -> daemon.get("/x"))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("chunk of size 'zz'");

        answers("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{]}");
        assertThatThrownBy(() -> daemon.get("/x"))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("not JSON");

        answers("HTTP/1.1 502 Bad\r\nContent-Length: 11\r\n\r\n<b>down</b>");
        assertThatThrownBy(() -> daemon.get("/x")).isInstanceOf(ApiError.class).hasMessage("<b>down</b>");
    }

    @Test
    void endlessHead_isBounded() {
        fake.talk("GET /x", (request, in, out) -> {
            out.write("HTTP/1.1 200 OK\r\n".getBytes(StandardCharsets.UTF_8));
            byte[] line = ("X: " + "y".repeat(1000) + "\r\n").getBytes(StandardCharsets.UTF_8);
            while (true) {
                out.write(line);
            }
        });

        assertThatThrownBy(() -> daemon.get("/x"))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("64 KiB");
    }

    @Test
    void silence_endsAtTheLimit() {
        fake.talk("GET /x", (request, in, out) -> in.read());

        long start = System.nanoTime();
        assertThatThrownBy(() -> daemon.call("GET", "/x", Json.none(), Duration.ofMillis(200)))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("did not answer in time");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    void token_isSentOverTcpAlone() {
        daemon.get("/v1/orgs/personal/machines");
        assertThat(fake.requests.getFirst().headers()).doesNotContainKey("authorization");

        assertThat(DaemonAddress.parse("http://[::1]:4280/", Optional.of("t")))
                .isEqualTo(new DaemonAddress.Tcp("::1", 4280, Optional.of("t")));
        assertThat(DaemonAddress.parse("unix:/run/x.sock", Optional.of("t")).token())
                .isEmpty();
        assertThatThrownBy(() -> DaemonAddress.parse("4280", Optional.empty())).isInstanceOf(RejectedException.class);
    }

    @Test
    void nothingListens_isNoDaemon() {
        assertThatThrownBy(() -> new DaemonClient(new DaemonAddress.Tcp("127.0.0.1", 1, Optional.empty())).get("/x"))
                .isInstanceOf(DaemonUnreachableException.class)
                .hasMessageContaining("127.0.0.1:1");
        Path deep = Path.of("/" + "d".repeat(120) + "/allod.sock");
        assertThatThrownBy(() -> new DaemonClient(new DaemonAddress.Unix(deep)).get("/x"))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("107 characters");
    }
}
