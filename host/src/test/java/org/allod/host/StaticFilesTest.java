package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;

/** Files of a machine's image, served by the edge of a real daemon while the machine sleeps. */
class StaticFilesTest {
    private static final String MACHINES = "/v1/apps/files/machines";

    @Test
    void files_ofTheImage_areServedWhileTheMachineSleeps_andOtherRequestsWakeIt() throws Exception {
        try (DaemonProcess daemon =
                new DaemonProcess(Scratch.folder("allod-statics").resolve("data"), "--runtime", "gvisor").start()) {
            TestImage.build(daemon);
            daemon.ok("POST", "/v1/apps", "{\"name\":\"files\",\"org_slug\":\"personal\"}");
            String id = daemon.ok("POST", MACHINES, config()).get("id").stringValue();
            daemon.await("files", id, "started");
            daemon.ok("POST", MACHINES + "/" + id + "/stop", "");
            daemon.await("files", id, "stopped");
            HttpResponse<String> page = daemon.through("files", "/files/index.html");
            assertThat(page.statusCode()).as(page.body()).isEqualTo(200);
            assertThat(page.body()).isEqualTo("hello from a guest\n");
            assertThat(page.headers().firstValue("content-type")).contains("text/html; charset=utf-8");
            assertThat(daemon.through("files", "/files/").body()).isEqualTo(page.body());
            assertThat(again(daemon, page.headers().firstValue("etag").orElseThrow()))
                    .isEqualTo(304);
            assertThat(daemon.ok("GET", MACHINES + "/" + id, "").get("state").stringValue())
                    .isEqualTo("stopped");
            // What is no file of the image is the machine's to answer.
            HttpResponse<String> other = daemon.through("files", "/files/none.html");
            assertThat(other.statusCode()).isEqualTo(404);
            assertThat(other.headers().firstValue("allod-error")).isEmpty();
            assertThat(daemon.ok("GET", MACHINES + "/" + id, "").get("state").stringValue())
                    .isEqualTo("started");
            HttpResponse<String> own = daemon.through("files", "/index.html");
            assertThat(own.body()).isEqualTo(page.body());
            // A page of this type would be compressed, were it larger, for a client that takes it.
            assertThat(own.headers().firstValue("vary")).contains("accept-encoding");
            daemon.ok("DELETE", "/v1/apps/files?force=true", "");
        }
    }

    private static String config() {
        return TestImage.machine("one", """
                        ,"statics":[{"guest_path":"/srv","url_prefix":"/files","index_document":"index.html"}]""")
                .replace("[\"http\"]", "[\"http\"],\"http_options\":{\"compress\":true,\"headers_read_timeout\":5}");
    }

    private static int again(DaemonProcess daemon, String tag) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + daemon.edge + "/files/"))
                                    .header("Host", "files.localhost")
                                    .header("If-None-Match", tag)
                                    .build(),
                            HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        }
    }
}
