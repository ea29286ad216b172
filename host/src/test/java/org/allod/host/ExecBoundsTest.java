package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;

/** Clients of a real daemon that run commands in a real guest and never read what they write. */
class ExecBoundsTest {
    private static final int BOUND = 32;

    /** A client that asks for a flood and reads the answer's head alone; what the head says. */
    private static String flood(DaemonProcess daemon, String machine, List<Socket> open) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), daemon.api);
        open.add(socket);
        socket.setSoTimeout(30_000);
        String command = Base64.getUrlEncoder()
                .encodeToString("{\"command\":[\"/bin/busybox\",\"yes\"]}".getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream()
                .write(("POST /v1/apps/shop/machines/" + machine + "/exec/stream HTTP/1.1\r\nHost: x\r\n"
                                + "Connection: Upgrade\r\nUpgrade: allod-exec/1\r\nContent-Length: 0\r\nX-Allod-Exec: "
                                + command + "\r\nAuthorization: Bearer " + daemon.token() + "\r\n\r\n")
                        .getBytes(StandardCharsets.UTF_8));
        InputStream in = socket.getInputStream();
        StringBuilder head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
            int next = in.read();
            assertThat(next).as(head.toString()).isNotNegative();
            head.append((char) next);
        }
        return head.toString();
    }

    @Test
    void clients_thatNeverRead_areAsManyAsMayBe_andTheDaemonGoesOn() throws Exception {
        Path data = Scratch.folder("allod-exec").resolve("data");
        List<Socket> open = new ArrayList<>();
        try (DaemonProcess daemon = new DaemonProcess(data, "--rate-limits", "off").start()) {
            TestImage.build(daemon);
            daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\",\"org_slug\":\"personal\"}");
            String id =
                    daemon.ok("POST", "/v1/apps/shop/machines", """
                            {"name":"m","runtime":"gvisor","config":{"image":"web","guest":{"memory_mb":128}}}
                            """).get("id").stringValue();
            daemon.await("shop", id, "started");
            for (int i = 0; i < BOUND; i++) {
                assertThat(flood(daemon, id, open)).startsWith("HTTP/1.1 101");
            }
            assertThat(flood(daemon, id, open)).startsWith("HTTP/1.1 429");
            HttpResponse<String> refused =
                    daemon.call("POST", "/v1/apps/shop/machines/" + id + "/exec", "{\"command\":[\"true\"]}");
            assertThat(refused.statusCode()).isEqualTo(429);
            assertThat(refused.body())
                    .contains("32 commands are running for machine " + id, "wait until one of them ends");

            open.removeFirst().close();
            String exec = "{\"command\":[\"/bin/busybox\",\"echo\",\"here\"]}";
            long until = System.nanoTime() + 20_000_000_000L;
            HttpResponse<String> answer = refused;
            while (answer.statusCode() == 429 && System.nanoTime() < until) {
                answer = daemon.call("POST", "/v1/apps/shop/machines/" + id + "/exec", exec);
            }
            assertThat(answer.body()).contains("here");
            assertThat(daemon.process().isAlive()).isTrue();
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }
}
