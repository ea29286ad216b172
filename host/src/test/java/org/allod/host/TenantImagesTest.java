package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an app's token can make a real daemon do by naming images and ports, and what it cannot. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TenantImagesTest {
    private final HttpClient http = HttpClient.newHttpClient();
    private final BlockingQueue<Socket> asked = new LinkedBlockingQueue<>();
    private final List<Socket> held = new ArrayList<>();
    private Path folder;
    private DaemonProcess daemon;
    private ServerSocket silent;
    private String token;

    @BeforeAll
    void start() throws Exception {
        folder = Scratch.folder("allod-tenant-images");
        silent = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        Thread.ofVirtual().start(() -> {
            while (!silent.isClosed()) {
                try {
                    asked.add(silent.accept()); // and never a word
                } catch (IOException e) {
                    return;
                }
            }
        });
        daemon = new DaemonProcess(
                        folder.resolve("data"),
                        "--runtime",
                        "gvisor",
                        "--app-registries",
                        "127.0.0.1:" + silent.getLocalPort(),
                        "--app-ports",
                        "21000-21009")
                .start();
        daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\"}");
        token = daemon.ok("POST", "/v1/apps/shop/deploy_token", "{\"expiry\":\"1h\"}")
                .get("token")
                .stringValue();
    }

    @AfterAll
    void stop() throws Exception {
        daemon.close();
        silent.close();
        for (Socket socket : held) {
            socket.close();
        }
    }

    private HttpResponse<String> tenant(String method, String path, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + daemon.api + path))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .header("Authorization", "Bearer " + token)
                .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static String config(String more) {
        return "{\"config\":{\"guest\":{\"memory_mb\":128}," + more + "}}";
    }

    @Test
    void pathsAndForbiddenRegistries_areRefusedEverywhereAConfigurationNamesAnImage() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        AtomicInteger connections = new AtomicInteger();
        try (ServerSocket forbidden = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
            Thread.ofVirtual().start(() -> {
                while (!forbidden.isClosed()) {
                    try (Socket _ = forbidden.accept()) {
                        connections.incrementAndGet();
                    } catch (IOException e) {
                        return;
                    }
                }
            });
            for (String image : List.of(
                    "oci:" + pipe, "oci:/nowhere", "oci:/dev/tty", "127.0.0.1:" + forbidden.getLocalPort() + "/a:b")) {
                String named = "\"image\":\"" + image + "\"";
                List<HttpResponse<String>> answers = List.of(
                        tenant("POST", "/v1/apps/shop/machines", config(named)),
                        tenant(
                                "POST",
                                "/v1/apps/shop/machines",
                                config("\"image\":\"web\",\"containers\":[{\"name\":\"a\"," + named + "}]")),
                        tenant(
                                "POST",
                                "/v1/apps/shop/machines",
                                config("\"image\":\"web\",\"files\":[{\"guest_path\":\"/x\",\"image_config\":\"" + image
                                        + "\"}]")),
                        tenant("POST", "/v1/apps/shop/deploys", """
                                {"groups":[{"name":"web","config":{"guest":{"memory_mb":128},%s}}]}""".formatted(named)));
                for (HttpResponse<String> answer : answers) {
                    assertThat(answer.statusCode())
                            .as(image + ": " + answer.body())
                            .isEqualTo(403);
                }
            }
            assertThat(connections).hasValue(0);
        }
        assertThat(tenant("POST", "/v1/host/images/pull", "{\"reference\":\"web\"}")
                        .statusCode())
                .isEqualTo(403);
        assertThat(daemon.ok("GET", "/v1/apps/shop/machines", "").size()).isZero();
    }

    /** Once a pull of this machine's image has connected. */
    private Socket pulling() throws InterruptedException {
        Socket socket = asked.poll(30, TimeUnit.SECONDS);
        held.add(socket);
        return socket;
    }

    /** The registry sees its client go. */
    private static void awaitEnd(Socket pulling) throws IOException {
        pulling.setSoTimeout(20_000);
        pulling.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "?force=true"})
    void destroy_cancelsACreateThatPulls(String how) throws Exception {
        String reference = "127.0.0.1:" + silent.getLocalPort() + "/a:b";
        CompletableFuture<HttpResponse<String>> create = CompletableFuture.supplyAsync(() -> {
            try {
                return tenant(
                        "POST",
                        "/v1/apps/shop/machines",
                        "{\"name\":\"slow\","
                                + config("\"image\":\"" + reference + "\"").substring(1));
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        Socket pulling = pulling();
        String id =
                daemon.ok("GET", "/v1/apps/shop/machines", "").get(0).get("id").stringValue();
        assertThat(tenant("DELETE", "/v1/apps/shop/machines/" + id + how, "").statusCode())
                .isEqualTo(200);
        awaitEnd(pulling);
        assertThat(create.get(20, TimeUnit.SECONDS).statusCode()).isGreaterThanOrEqualTo(400);
        assertThat(daemon.ok("GET", "/v1/apps/shop/machines", "").size()).isZero();
    }

    @Test
    void clientThatLeaves_endsItsPull() throws Exception {
        String body = "{\"reference\":\"127.0.0.1:" + silent.getLocalPort() + "/c:d\"}";
        Socket pulling;
        try (Socket client = new Socket("127.0.0.1", daemon.api)) {
            client.getOutputStream()
                    .write(
                            "POST /v1/host/images/pull HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
                                    .formatted(daemon.token(), body.length(), body)
                                    .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            pulling = pulling();
        }
        awaitEnd(pulling);
    }

    @Test
    void rawPort_outsideTheAppsRange_isTheOperatorsToGive_andTheHostsOwnIsNobodys() throws Exception {
        for (String ports : List.of("\"port\":5432", "\"port\":22", "\"start_port\":20999,\"end_port\":21001")) {
            String services = "\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{" + ports + "}]}]";
            HttpResponse<String> answer = tenant("POST", "/v1/apps/shop/machines", config(services));
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(403);
            assertThat(answer.body()).contains("from 21000 to 21009");
        }
        String api = "\"image\":\"web\",\"services\":[{\"internal_port\":80,\"ports\":[{\"port\":%d}]}]";
        HttpResponse<String> own = daemon.call("POST", "/v1/apps/shop/machines", config(api.formatted(daemon.api)));
        assertThat(own.statusCode()).as(own.body()).isEqualTo(409);
    }
}
