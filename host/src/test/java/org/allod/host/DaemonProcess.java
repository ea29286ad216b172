package org.allod.host;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.allod.base.SystemClock;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real daemon as a process of its own, as a service manager would run it, and a client of its API. */
final class DaemonProcess implements AutoCloseable {
    static final JsonMapper JSON = new JsonMapper();
    private static final AtomicInteger PORTS = new AtomicInteger();

    final Path data;
    private final List<String> options;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(2))
            .build();
    private Process process;
    private Duration clockShift = Duration.ZERO;
    int api;
    int edge;
    private String token = "";
    private int openFiles;

    static {
        // An app's name goes into the Host field; the address is loopback's, which no resolver need know.
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
    }

    DaemonProcess(Path data, String... options) {
        this.data = data;
        this.options = List.of(options);
    }

    static Path tools() {
        String named = System.getenv("ALLOD_TOOLS");
        return named != null && !named.isEmpty()
                ? Path.of(named)
                : Path.of(System.getProperty("allod.clone"), ".allod", "tools");
    }

    /** Lets it have no more files open than so many. */
    DaemonProcess openFiles(int most) {
        openFiles = most;
        return this;
    }

    /** Starts the process and returns once it serves; fails with its log where it does not. */
    DaemonProcess start() throws Exception {
        begin();
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!serves()) {
            if (!process.isAlive() || System.nanoTime() > until) {
                throw new AssertionError("the daemon does not serve:\n" + log());
            }
            Thread.sleep(10);
        }
        return this;
    }

    /** After {@link #begin}: however often it is killed meanwhile, it must serve within a minute. */
    void awaitServing() {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!serves()) {
            if (System.nanoTime() > until) {
                throw new AssertionError("the daemon does not serve; its log is " + logFile());
            }
            LockSupport.parkNanos(5_000_000);
        }
    }

    /** Until no run is active. */
    void awaitQuiet() throws Exception {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (ok("GET", "/v1/host/status", "").get("runs_active").intValue() > 0) {
            if (System.nanoTime() > until) {
                throw new AssertionError("runs that do not end: "
                        + call("GET", "/v1/host/runs?active=true", "").body());
            }
            Thread.sleep(50);
        }
    }

    /** Sets the calendar of the processes that are begun from now on. */
    void setClock(Duration shift) {
        clockShift = shift;
    }

    /** Starts the process and returns at once. */
    void begin() throws IOException {
        if (api == 0) {
            api = freePort();
            edge = freePort();
        }
        List<String> command = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+ExitOnOutOfMemoryError",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                // No carrier to spare: what holds one without bound shows at once (docs/decisions/024).
                "-Djdk.virtualThreadScheduler.parallelism=2",
                "-Djdk.virtualThreadScheduler.maxPoolSize=2",
                "-D" + SystemClock.SHIFT + "=" + clockShift.toSeconds(),
                "--enable-native-access=ALL-UNNAMED",
                // What a killed process has put there goes with the folder of its test.
                "-Djava.io.tmpdir=" + Files.createDirectories(data.resolveSibling(data.getFileName() + ".tmp")),
                "-cp",
                System.getProperty("java.class.path"),
                "org.allod.host.HostMain",
                "--data",
                data.toString(),
                "--tools",
                tools().toString(),
                "--api",
                "127.0.0.1:" + api,
                "--edge",
                "127.0.0.1:" + edge));
        command.addAll(options);
        if (openFiles > 0) {
            command.addAll(0, List.of("sh", "-c", "ulimit -n " + openFiles + " && exec \"$0\" \"$@\""));
        }
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(logFile().toFile()))
                .start();
    }

    private Path logFile() {
        return data.resolveSibling(data.getFileName() + ".log");
    }

    String log() throws IOException {
        return Files.exists(logFile()) ? Files.readString(logFile()) : "";
    }

    boolean serves() {
        try {
            return call("GET", "/v1/host/status", "").statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    /** Ends the process as a power cut would, as far as a process can be. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** Asks it to stop; machines keep running. */
    void stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
            kill();
        }
    }

    /** What a client needs to call it. */
    String token() {
        return token;
    }

    Process process() {
        return process;
    }

    /** A call of the API, with further headers as pairs of name and value. */
    HttpResponse<String> call(String method, String path, String body, String... headers) throws IOException {
        if (token.isEmpty() && Files.exists(data.resolve("operator.token"))) {
            token = Files.readString(data.resolve("operator.token")).strip();
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + api + path))
                .timeout(Duration.ofSeconds(100))
                .header("Authorization", "Bearer " + token)
                .method(method, HttpRequest.BodyPublishers.ofString(body));
        for (int i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    /** A call that must succeed; its answer. */
    JsonNode ok(String method, String path, String body) throws IOException {
        HttpResponse<String> answer = call(method, path, body);
        if (answer.statusCode() / 100 != 2) {
            throw new AssertionError(
                    method + " " + path + ": " + answer.statusCode() + " " + answer.body() + "\n" + log());
        }
        JsonNode result = answer.body().isEmpty() ? JSON.createObjectNode() : JSON.readTree(last(answer.body()));
        if (result.has("http")) { // An answer of many lines says at its end that it failed.
            throw new AssertionError(method + " " + path + ": " + result + "\n" + log());
        }
        return result;
    }

    /** The last line of an answer of many. */
    private static String last(String body) {
        String[] lines = body.strip().split("\n");
        return body.startsWith("{\"phase\"") ? lines[lines.length - 1] : body;
    }

    /** A request through the edge, for an app. */
    HttpResponse<String> through(String app, String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + edge + path))
                .header("Host", app + ".localhost:" + edge)
                .timeout(Duration.ofSeconds(40))
                .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    JsonNode await(String app, String id, String state) throws IOException {
        return ok("GET", "/v1/apps/" + app + "/machines/" + id + "/wait?timeout=60&state=" + state, "");
    }

    /**
     * A port that nobody listens on, below those that the kernel gives to connections: so it is still free when a daemon
     * that was killed is started again. Tests in other processes begin elsewhere.
     */
    static int freePort() throws IOException {
        for (int tries = 0; tries < 1_000; tries++) {
            long next = ProcessHandle.current().pid() * 997 + PORTS.getAndIncrement();
            int port = 10_000 + (int) (next % 20_000);
            try (var socket = new java.net.ServerSocket(port, 1, java.net.InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (java.net.BindException e) {
                continue; // taken
            }
        }
        throw new IOException("no port is free between 10000 and 30000");
    }

    /**
     * Takes away what the daemon made: its machines, and what is of it in the kernel; so that a test that fails leaves
     * nothing to the next. A daemon that does not run is started for that.
     */
    @Override
    public void close() throws Exception {
        if (process == null || !Files.exists(data.resolve("operator.token"))) {
            return;
        }
        if (!process.isAlive()) {
            start();
        }
        for (JsonNode app : ok("GET", "/v1/apps?org_slug=personal", "").path("apps")) {
            ok("DELETE", "/v1/apps/" + app.get("name").stringValue() + "?force=true", "");
        }
        ok("POST", "/v1/host/clear-at-end", "");
        stop();
    }
}
