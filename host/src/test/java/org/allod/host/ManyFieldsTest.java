package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * One machine whose configuration says much at once, in a real daemon with a real guest: containers in an order,
 * services on ports of their own, TLS at the edge, names, and what a second app may not have.
 */
class ManyFieldsTest {
    private static final String MACHINES = "/v1/apps/many/machines";

    @Test
    void containersAndServices_ofOneMachine_areServedWokenAndTold() throws Exception {
        int tls = DaemonProcess.freePort();
        int raw = DaemonProcess.freePort();
        try (DaemonProcess daemon = new DaemonProcess(
                        Scratch.folder("allod-many").resolve("data"),
                        "--runtime",
                        "gvisor",
                        "--edge-tls",
                        "127.0.0.1:" + tls)
                .start()) {
            TestImage.build(daemon);
            daemon.ok("POST", "/v1/apps", "{\"name\":\"many\",\"org_slug\":\"personal\"}");
            daemon.ok("POST", "/v1/apps", "{\"name\":\"other\",\"org_slug\":\"personal\"}");
            String id = daemon.ok("POST", MACHINES, config(raw)).get("id").stringValue();
            daemon.await("many", id, "started");
            // HTTP by name, with what the port says of answers; plain requests go to TLS.
            HttpResponse<String> moved = daemon.through("many", "/index.html");
            assertThat(moved.statusCode()).isEqualTo(301);
            assertThat(moved.headers().firstValue("location"))
                    .contains("https://many.localhost:" + tls + "/index.html");
            // A raw port, to another container's server.
            assertThat(get(raw)).endsWith("hello from a guest\n").contains("200 OK");
            assertThat(exec(daemon, id, "side", "echo $ME $ROLE; hostname; cat /etc/note"))
                    .isEqualTo(id + " side many-1 a note");
            assertThat(exec(daemon, id, "web", "ls /etc/note || echo none")).contains("none");
            assertThat(daemon.call("GET", MACHINES + "/" + id + "/logs", "").body())
                    .contains("[job] done");
            assertThat(daemon.call(
                                    "POST",
                                    MACHINES + "/" + id + "/exec",
                                    "{\"command\":[\"x\"],\"container\":\"nobody\"}")
                            .body())
                    .contains("container is \\\"nobody\\\"");
            // The raw port wakes it.
            daemon.ok("POST", MACHINES + "/" + id + "/stop", "");
            daemon.await("many", id, "stopped");
            assertThat(get(raw)).endsWith("hello from a guest\n");
            daemon.await("many", id, "started");
            // Nobody else may have that port, nor one that another program has.
            refused(daemon, "other", raw, "app many has it for raw TCP (machine " + id + ")");
            refused(daemon, "other", daemon.api, "where this host's own API or edge is");
            try (ServerSocket another = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                int port = another.getLocalPort();
                refused(daemon, "other", port, "port " + port + " cannot be opened");
            }
            daemon.ok("DELETE", "/v1/apps/many?force=true", "");
            assertThat(Leftovers.of(Set.of(), new HashSet<>(Set.of(id)), daemon.data))
                    .isEmpty();
        }
    }

    private static String config(int raw) {
        return """
                {"name":"one","config":{"guest":{"memory_mb":256,"cpu_kind":"performance"},"dns":{"hostname":"many-1"},
                 "containers":[
                  {"name":"web","image":"web","depends_on":[{"name":"job","condition":"exited_successfully"}],
                   "healthchecks":[{"name":"up","http":{"port":8080}}]},
                  {"name":"job","image":"web","exec":["/bin/busybox","sh","-c","echo done"],"restart":{"policy":"no"}},
                  {"name":"side","image":"web","depends_on":[{"name":"web","condition":"healthy"}],
                   "exec":["/bin/busybox","httpd","-f","-p","[::]:9000","-h","/srv"],"env":{"ROLE":"side"},
                   "env_from":[{"env_var":"ME","field_ref":"id"}],
                   "files":[{"guest_path":"/etc/note","raw_value":"YSBub3Rl"}]}],
                 "services":[
                  {"internal_port":8080,"ports":[{"port":80,"handlers":["http"],"force_https":true},
                   {"port":443,"handlers":["tls","http"]}]},
                  {"internal_port":9000,"ports":[{"port":%d}]}]}}
                """.formatted(raw);
    }

    private static void refused(DaemonProcess daemon, String app, int port, String why) throws IOException {
        HttpResponse<String> answer = daemon.call("POST", "/v1/apps/" + app + "/machines", """
                        {"config":{"image":"web","services":[{"internal_port":1,"ports":[{"port":%d}]}]}}
                        """.formatted(port));
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(409);
        assertThat(answer.body()).contains(why);
    }

    /** A request as bytes, on a port that does not know it for one. */
    private static String get(int port) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(40_000);
            socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String exec(DaemonProcess daemon, String id, String container, String script) throws IOException {
        var body = DaemonProcess.JSON.createObjectNode().put("container", container);
        body.putArray("command").add("/bin/busybox").add("sh").add("-c").add(script);
        JsonNode answer = daemon.ok("POST", MACHINES + "/" + id + "/exec", body.toString());
        return answer.get("stdout").stringValue().replace('\n', ' ')
                + answer.get("stderr").stringValue();
    }
}
