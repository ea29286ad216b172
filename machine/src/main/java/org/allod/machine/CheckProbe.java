package org.allod.machine;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Asks a guest one question, from the host's side of its network. */
interface CheckProbe {
    /** What came of it. */
    record Finding(boolean ok, String output) {}

    Finding ask(String address, MachineConfig.Check check);

    /** Real connections. The guest is not trusted: what it answers is bounded in time and size. */
    static CheckProbe network() {
        return new NetworkProbe();
    }

    /** See {@link #network}. */
    final class NetworkProbe implements CheckProbe {
        private static final int MAX_OUTPUT = 1_000;

        /** Made at the first HTTP check: a host without any never pays for a client. */
        private static final class Client {
            static final HttpClient HTTP = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .followRedirects(HttpClient.Redirect.NEVER)
                    .connectTimeout(Duration.ofSeconds(10))
                    .build();
        }

        @Override
        public Finding ask(String address, MachineConfig.Check check) {
            return check.http() ? http(address, check) : tcp(address, check);
        }

        private static Finding tcp(String address, MachineConfig.Check check) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(address, check.port()), (int)
                        check.timeout().toMillis());
                return new Finding(true, "connected to port " + check.port());
            } catch (IOException e) {
                return new Finding(false, "port " + check.port() + ": " + e.getMessage());
            }
        }

        private static Finding http(String address, MachineConfig.Check check) {
            HttpRequest.Builder request = HttpRequest.newBuilder(
                            URI.create("http://[" + address + "]:" + check.port() + check.path()))
                    .timeout(check.timeout())
                    .method(check.method(), HttpRequest.BodyPublishers.noBody());
            try {
                check.headers().forEach((name, values) -> values.forEach(v -> request.header(name, v)));
                HttpResponse<byte[]> answer = Client.HTTP.send(
                        request.build(),
                        info -> HttpResponse.BodySubscribers.limiting(
                                HttpResponse.BodySubscribers.ofByteArray(), 64 << 10));
                String body = new String(answer.body(), java.nio.charset.StandardCharsets.UTF_8);
                boolean ok = answer.statusCode() >= 200 && answer.statusCode() < 300;
                return new Finding(ok, "status " + answer.statusCode() + ": " + clip(body));
            } catch (IOException | IllegalArgumentException e) {
                return new Finding(false, String.valueOf(e.getMessage()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return new Finding(false, "the daemon is stopping");
            }
        }

        private static String clip(String text) {
            return text.length() <= MAX_OUTPUT ? text : text.substring(0, MAX_OUTPUT);
        }
    }
}
