package org.allod.edge;

import static org.allod.edge.Rig.ONE;
import static org.allod.edge.Rig.running;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.allod.base.Rng;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;

/** Valid requests with random damage: the result is always bounded, and the edge continues to serve. */
class FuzzTest {
    private static final List<String> GOOD = List.of(
            "GET /a?b=c HTTP/1.1\r\nHost: hello.localhost\r\nAccept: text/html\r\n\r\n",
            "POST /p HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: 11\r\n\r\nhello world",
            "POST /c HTTP/1.1\r\nHost: hello.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5\r\nhello\r\n6;e=f\r\n world\r\n0\r\nT: v\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: hello.localhost\r\nConnection: keep-alive\r\n\r\n",
            "GET /ws HTTP/1.1\r\nHost: hello.localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    private static final byte[] NASTY =
            "\r\n \t:;,\0\u007f0123456789abcdefXx-_/\u00ff".getBytes(StandardCharsets.ISO_8859_1);

    @Test
    void damagedRequests_neverHangTheEdgeNorConfuseOthers() {
        Campaign.of("edge-requests").play(1, FuzzTest::sendDamaged);
    }

    private static void sendDamaged(long seed) throws Exception {
        Rng rng = Rng.seeded(seed);
        String rerun = "seed " + seed;
        try (RawBackend backend = RawBackend.echo();
                Rig rig = new Rig(config -> config.with(config.times()
                                .clients(Duration.ofMillis(500), Duration.ofMillis(500), Duration.ofMillis(500))))
                        .publish("hello", running(ONE, backend.port()));
                ExecutorService clients = Executors.newFixedThreadPool(16)) {
            List<Future<Boolean>> ended = new ArrayList<>();
            for (int i = 0; i < 600; i++) {
                byte[] request = damaged(rng);
                boolean split = rng.chance(0.3);
                int at = rng.nextInt(request.length);
                ended.add(clients.submit(() -> play(rig, request, split ? at : request.length)));
            }
            for (Future<Boolean> one : ended) {
                assertThat(one.get()).as(rerun).isTrue();
            }
            assertThat(rig.get("hello.localhost", "/after").body()).as(rerun).startsWith("GET /after");
            Rig.eventually(() -> rig.edge.stats().inFlight() == 0, "nothing is left in flight; " + rerun);
            Rig.eventually(() -> rig.edge.stats().openConnections() == 0, "nobody is left connected; " + rerun);
            assertThat(rig.edge.stats().problems())
                    .as(rerun)
                    .containsKey("bad-request")
                    .doesNotContainKeys("bad-answer", "port-closed", "unreachable");
        }
    }

    /** Whether the edge ended the connection in time. */
    private static boolean play(Rig rig, byte[] request, int split) {
        try (Rig.RawClient rawClient = rig.dial()) {
            try {
                rawClient.send(java.util.Arrays.copyOf(request, split));
                if (split < request.length) {
                    Thread.sleep(2);
                    rawClient.send(java.util.Arrays.copyOfRange(request, split, request.length));
                }
            } catch (java.io.UncheckedIOException reset) {
                return true;
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return rawClient.closed(Duration.ofSeconds(8));
        }
    }

    private static byte[] damaged(Rng rng) {
        StringBuilder text = new StringBuilder(GOOD.get(rng.nextInt(GOOD.size())));
        if (rng.chance(0.3)) {
            text.append(GOOD.get(rng.nextInt(GOOD.size())));
        }
        int wounds = 1 + rng.nextInt(3);
        for (int i = 0; i < wounds; i++) {
            int at = rng.nextInt(text.length());
            char nasty = (char) (NASTY[rng.nextInt(NASTY.length)] & 0xff);
            switch (rng.nextInt(4)) {
                case 0 -> text.setCharAt(at, nasty);
                case 1 -> text.insert(at, nasty);
                case 2 -> text.deleteCharAt(at);
                default -> text.insert(at, text.substring(at, Math.min(text.length(), at + rng.nextInt(20))));
            }
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
