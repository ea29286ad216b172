package org.allod.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.allod.base.FailedException;

/** A client of the daemon's API. Throws an {@link ApiError} for an error response. */
final class DaemonClient {
    /** The timeout for responses that involve no waiting: long for a busy host, short for a person. */
    static final Duration PROMPT = Duration.ofSeconds(30);

    /** No response of the API comes near this size. */
    private static final int MAX_BODY = 64 << 20;

    private final DaemonAddress address;

    DaemonClient(DaemonAddress address) {
        this.address = address;
    }

    DaemonAddress address() {
        return address;
    }

    Json get(String target) {
        return call("GET", target, Json.none(), PROMPT);
    }

    Json post(String target, Json body) {
        return call("POST", target, body, PROMPT);
    }

    Json delete(String target) {
        return call("DELETE", target, Json.none(), PROMPT);
    }

    Json call(String method, String target, Json body, Duration limit) {
        return call(method, target, Map.of(), body, limit);
    }

    Json call(String method, String target, Map<String, String> headers, Json body, Duration limit) {
        try (HttpConnection connection = new HttpConnection(address)) {
            HttpConnection.Head head = connection.exchange(method, target, headers, bytes(body), Optional.of(limit));
            return answer(connection, head);
        } catch (IOException e) {
            throw broken(method, target, e);
        }
    }

    /** Passes each line of a streamed response to {@code line}, until the daemon ends it. */
    void stream(String method, String target, Json body, Consumer<Json> line) {
        try (HttpConnection connection = new HttpConnection(address)) {
            HttpConnection.Head head =
                    connection.exchange(method, target, Map.of(), bytes(body), Optional.<Duration>empty());
            if (head.status() >= 400) {
                answer(connection, head);
            }
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(connection.body(head), StandardCharsets.UTF_8));
            for (String text = lines.readLine(); text != null; text = lines.readLine()) {
                if (!text.isBlank()) {
                    line.accept(Json.parse(text));
                }
            }
        } catch (IOException e) {
            throw broken(method, target, e);
        }
    }

    /** A connection after a protocol upgrade; the caller closes it. */
    HttpConnection upgrade(String target, Map<String, String> headers) {
        HttpConnection connection = new HttpConnection(address);
        try {
            HttpConnection.Head head =
                    connection.exchange("POST", target, headers, new byte[0], Optional.<Duration>empty());
            if (head.status() == 101) {
                return connection;
            }
            answer(connection, head);
            throw new FailedException(
                    "the daemon answered " + head.status() + " where it should have switched protocols");
        } catch (IOException e) {
            connection.close();
            throw broken("POST", target, e);
        } catch (RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private static Json answer(HttpConnection connection, HttpConnection.Head head) throws IOException {
        try (InputStream body = connection.body(head)) {
            byte[] bytes = body.readNBytes(MAX_BODY + 1);
            if (bytes.length > MAX_BODY) {
                throw new FailedException("the daemon's answer is larger than 64 MiB");
            }
            if (head.status() >= 400) {
                throw new ApiError(head.status(), errorBody(bytes));
            }
            return bytes.length == 0 ? Json.none() : Json.parse(new String(bytes, StandardCharsets.UTF_8));
        }
    }

    /** The API's error body, or one made from the text of a response that a proxy in between sent. */
    private static Json errorBody(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8).strip();
        try {
            return text.isEmpty() ? Json.none() : Json.parse(text);
        } catch (FailedException e) {
            return Json.obj("error", text.length() > 400 ? text.substring(0, 400) : text);
        }
    }

    private static byte[] bytes(Json body) {
        return body.isNull() ? new byte[0] : body.write().getBytes(StandardCharsets.UTF_8);
    }

    private static FailedException broken(String method, String target, IOException cause) {
        return new FailedException(
                "the connection to the daemon broke during " + method + " " + target + ": " + cause.getMessage(),
                cause);
    }

    /** Encodes a text for a path or a query. */
    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
