package org.allod.host;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Somebody who holds an app's token, root in that app's guests, and sockets to everything that listens. Each flood opens a
 * bounded number of connections, keeps them and reads nothing; {@link #close} ends them all.
 */
final class HostileTenant implements AutoCloseable {
    /** What a shell does as root of a gVisor sandbox: writes wherever the host might lie, deep and wide. */
    static final String IN_SANDBOX = """
            b=/bin/busybox; long=$($b printf '%0200d' 7)
            for top in /.allod/channel /.allod /; do
              ( cd $top && i=0; while [ $i -lt 30 ] && $b mkdir $long && cd $long; do i=$((i+1)); done ) 2>/dev/null
              $b dd if=/dev/zero of=$top/big bs=1M count=600 2>/dev/null
            done
            $b rm -rf /.allod/channel/host.sock 2>/dev/null; $b mkdir -p /.allod/channel/host.sock 2>/dev/null
            /garbage & n=0
            while [ $n -lt 4000 ]; do n=$((n+1)); echo x | $b nc -u -w 1 100.100.100.200 $((1024+n)) 2>/dev/null &
              [ $((n%200)) = 0 ] && $b sleep 1; done
            while :; do echo $long; $b sleep 0.01; done""";

    /** What it does as root of a virtual machine: speaks in PID 1's place, and fills its disk and the neighbour tables. */
    static final String IN_MICROVM = """
            b=/bin/busybox; $b dd if=/dev/zero of=/big bs=1M 2>/dev/null & /garbage port frames &
            n=0; while [ $n -lt 250 ]; do n=$((n+1)); $b arping -c 1 -w 1 -I eth0 100.64.77.$n >/dev/null 2>&1 &
              $b nc -w 1 169.254.169.254 80 </dev/null 2>/dev/null & [ $((n%50)) = 0 ] && $b sleep 1; done
            while :; do $b sleep 1; done""";

    private final DaemonProcess daemon;
    private final String token;
    private final List<Socket> sockets = new ArrayList<>();
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

    HostileTenant(DaemonProcess daemon, String token) {
        this.daemon = daemon;
        this.token = token;
    }

    /** A request with the app's token. */
    HttpResponse<String> ask(String method, String path, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + daemon.api + path))
                .timeout(Duration.ofSeconds(30))
                .header("Authorization", "Bearer " + token)
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    /** Bodies that are announced, begun and never ended, by nobody in particular. */
    void halfBodies(int many) {
        String head = "POST /v1/apps HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + "x".repeat(60_000);
        flood(daemon.api, many, head);
    }

    void halfHeads(int many) {
        flood(daemon.api, many, "GET /v1/apps HTTP/1.1\r\nHost: x\r\nX-Slow: ");
        flood(daemon.edge, many, "GET / HTTP/1.1\r\nHost: bank.localhost\r\nX-Slow: ");
    }

    /** Questions upon questions on one connection, whose answers nobody reads. */
    void pipelines(int many) {
        String one = "GET /v1/apps/tenant/machines HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n";
        flood(daemon.api, many, one.repeat(300));
    }

    /** Commands that print for ever, to nobody. */
    void deafCommands(String machine, int many) {
        String body = "{\"command\":[\"/bin/busybox\",\"yes\"]}";
        flood(
                daemon.api,
                many,
                "POST /v1/apps/tenant/machines/" + machine
                        + "/exec/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                        + token + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n"
                        + body);
    }

    private void flood(int port, int many, String bytes) {
        for (int i = 0; i < many; i++) {
            try {
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
                sockets.add(socket);
                // What is sent fits the two kernels' buffers, or is given up with the thread that sends it.
                Thread.ofVirtual().start(() -> send(socket, bytes));
            } catch (IOException e) {
                // Turned away: that is one of the right answers.
            }
        }
    }

    private static void send(Socket socket, String bytes) {
        try {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            // Closed by the daemon: another right answer.
        }
    }

    @Override
    public void close() throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
        http.close();
    }
}
