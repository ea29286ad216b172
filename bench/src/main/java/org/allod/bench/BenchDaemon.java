package org.allod.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.allod.base.FailedException;
import org.allod.linux.Mounts;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A daemon for one benchmark, started by the launcher as a service manager starts it, in its own folder and on its own
 * ports. Closing it destroys its machines, stops it and deletes the folder; so does the end of this process, except by
 * {@code kill -9}.
 */
final class BenchDaemon implements AutoCloseable {
    static final String APP = "bench";
    static final int PORT = 8080;

    /** The server in every guest and in every bare sandbox. */
    static final List<String> SERVER = List.of("/bin/busybox", "httpd", "-f", "-p", "[::]:" + PORT, "-h", "/srv");

    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration UP = Duration.ofSeconds(60);
    private static final Duration CALL = Duration.ofSeconds(100);
    private static final long LOOK = 5_000_000;

    private final TempDir scratch;
    private final List<String> options;
    private final Path tools;
    private final int api = ServerProcess.freePort();
    private final int edge = ServerProcess.freePort();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Thread atExit = Thread.ofPlatform().unstarted(this::cleanUp);
    private @Nullable Process process;
    private String token = "";
    private boolean cleaned;

    private BenchDaemon(TempDir scratch, List<String> options) {
        this.scratch = scratch;
        this.options = options;
        this.tools = tools();
    }

    /** A daemon in a new, empty folder. */
    static BenchDaemon inNewFolder(String... options) throws IOException {
        BenchDaemon daemon = new BenchDaemon(TempDir.in("/var/tmp"), List.of(options));
        Runtime.getRuntime().addShutdownHook(daemon.atExit);
        return daemon;
    }

    /** A daemon on a chosen file system, not started yet. */
    static BenchDaemon at(Path parent, String... options) throws IOException {
        BenchDaemon daemon = new BenchDaemon(TempDir.in(parent.toString()), List.of(options));
        Runtime.getRuntime().addShutdownHook(daemon.atExit);
        return daemon;
    }

    /** A running daemon with the web server's image and an app. */
    static BenchDaemon serving(String... options) throws IOException {
        BenchDaemon daemon = inNewFolder(options);
        try {
            daemon.start();
            daemon.furnish();
            return daemon;
        } catch (IOException | RuntimeException e) {
            daemon.close();
            throw e;
        }
    }

    private static Path tools() {
        String named = System.getenv("ALLOD_TOOLS");
        Path tools = named != null && !named.isEmpty() ? Path.of(named) : Path.of(property("allod.data"), "tools");
        if (!Files.exists(tools.resolve("allod-guest"))) {
            throw new FailedException("the guests' PID 1 is not in " + tools + "; run `./allod setup` first");
        }
        return tools.toAbsolutePath();
    }

    /** A property that the launcher sets. */
    static String property(String name) {
        String value = System.getProperty(name);
        if (value == null) {
            throw new FailedException("-D" + name + " is not set; run this by `./allod bench`");
        }
        return value;
    }

    static Path launcher() {
        return Path.of(property("allod.home"), "allod");
    }

    Path data() {
        return scratch.dir().resolve("data");
    }

    Path toolsFolder() {
        return tools;
    }

    int edge() {
        return edge;
    }

    int apiPort() {
        return api;
    }

    String authorization() {
        return "Bearer " + token;
    }

    String apiAddress() {
        return "127.0.0.1:" + api;
    }

    long pid() {
        return running().pid();
    }

    private Process running() {
        Process now = process;
        if (now == null) {
            throw new FailedException("the daemon was not started");
        }
        return now;
    }

    /** Starts the daemon; returns milliseconds from the start of its process to the first answer of its API. */
    double start() throws IOException {
        List<String> command = new ArrayList<>(List.of(launcher().toString(), "host", "--data", data().toString()));
        command.addAll(List.of("--tools", tools.toString(), "--api", apiAddress()));
        command.addAll(List.of("--edge", "127.0.0.1:" + edge, "--idle", "86400"));
        command.addAll(options);
        long began = System.nanoTime();
        Process started = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                .start();
        process = started;
        while (!serves()) {
            if (!started.isAlive() || System.nanoTime() - began > UP.toNanos()) {
                throw new FailedException("the daemon does not serve: " + logTail());
            }
            LockSupport.parkNanos(LOOK);
        }
        return (System.nanoTime() - began) / 1e6;
    }

    /** Stops the daemon; its machines continue. */
    void stop() {
        Process now = running();
        now.destroy();
        try {
            if (!now.waitFor(20, TimeUnit.SECONDS)) {
                now.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops the daemon and has {@link #close} only delete the folder: no guest ever ran, but images are mounted. */
    void abandon() {
        stop();
        process = null;
        Mounts.all().stream()
                .map(Mounts.Mount::target)
                .filter(at -> at.startsWith(data()))
                .sorted(Comparator.reverseOrder())
                .forEach(Mounts::detach);
    }

    private Path log() {
        return scratch.dir().resolve("daemon.log");
    }

    private String logTail() {
        try {
            String all = Files.readString(log());
            return all.substring(Math.max(0, all.length() - 2000));
        } catch (IOException e) {
            return "(no log: " + e + ")";
        }
    }

    /** Builds the server's image, as {@code ./allod up} does for the first machine, and creates an app. */
    private void furnish() throws IOException {
        Path page = scratch.dir().resolve("index.html");
        Files.writeString(page, "hello from a guest\n");
        var image = JSON.createObjectNode().put("name", "web");
        image.putArray("packages").add("busybox-static");
        image.putArray("copies").addObject().put("source", page.toString()).put("destination", "/srv/index.html");
        var cmd = image.putArray("cmd");
        SERVER.forEach(cmd::add);
        image.putArray("ports").add(PORT);
        call("POST", "/v1/host/images/build", image.toString());
        call("POST", "/v1/apps", "{\"name\":\"" + APP + "\",\"org_slug\":\"personal\"}");
    }

    /** Creates a machine and waits until it serves; returns its id. */
    String machine(String name) throws IOException {
        String body = """
                {"name":"%s","config":{"image":"web","guest":{"cpus":1,"memory_mb":128},
                 "services":[{"internal_port":%d,"ports":[{"port":80,"handlers":["http"]}]}]}}
                """.formatted(name, PORT);
        String id = json("POST", machines(), body).get("id").stringValue();
        await(id, "started");
        return id;
    }

    /** Creates an app with a machine and waits until it serves; returns the machine's path. */
    String appWithMachine(String app) throws IOException {
        call("POST", "/v1/apps", "{\"name\":\"" + app + "\",\"org_slug\":\"personal\"}");
        String machines = "/v1/apps/" + app + "/machines";
        String body = """
                {"config":{"image":"web","guest":{"cpus":1,"memory_mb":128},
                 "services":[{"internal_port":%d,"ports":[{"port":80,"handlers":["http"]}]}]}}
                """.formatted(PORT);
        String path = machines + "/" + json("POST", machines, body).get("id").stringValue();
        call("GET", path + "/wait?timeout=60&state=started", "");
        return path;
    }

    /** Destroys a machine and waits until it is gone. */
    void destroy(String machine) throws IOException {
        call("DELETE", path(machine) + "?force=true", "");
        await(machine, "destroyed");
    }

    static String machines() {
        return "/v1/apps/" + APP + "/machines";
    }

    static String path(String machine) {
        return machines() + "/" + machine;
    }

    void await(String machine, String state) throws IOException {
        call("GET", path(machine) + "/wait?timeout=60&state=" + state, "");
    }

    /** Calls the API only if its port is open: repeated calls would take CPU from the daemon that starts. */
    private boolean serves() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), api), 1000);
            return send("GET", "/v1/host/status", "").statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    JsonNode json(String method, String path, String body) throws IOException {
        return JSON.readTree(call(method, path, body));
    }

    /** Makes a call that must succeed; returns the response. */
    String call(String method, String path, String body) throws IOException {
        HttpResponse<String> answer = send(method, path, body);
        if (answer.statusCode() / 100 != 2) {
            throw new FailedException(method + " " + path + ": " + answer.statusCode() + " " + answer.body()
                    + "; the daemon: " + logTail());
        }
        return answer.body();
    }

    /** The status of a call, whatever it is. */
    int status(String method, String path, String body) throws IOException {
        return send(method, path, body).statusCode();
    }

    private HttpResponse<String> send(String method, String path, String body) throws IOException {
        if (token.isEmpty() && Files.exists(data().resolve("operator.token"))) {
            token = Files.readString(data().resolve("operator.token")).strip();
        }
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + apiAddress() + path))
                .timeout(CALL)
                .header("Authorization", "Bearer " + token)
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build();
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Override
    public void close() {
        cleanUp();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The hook is running.
        }
        http.close();
    }

    private synchronized void cleanUp() {
        if (cleaned) {
            return;
        }
        cleaned = true;
        try {
            if (process != null) {
                // Whatever ended the daemon (Ctrl-C reaches it too), only a daemon can destroy its machines.
                if (!process.isAlive()) {
                    start();
                }
                if (send("GET", "/v1/apps/" + APP, "").statusCode() == 200) {
                    call("DELETE", "/v1/apps/" + APP + "?force=true", "");
                }
                stop();
            }
            scratch.close();
        } catch (IOException | RuntimeException e) {
            System.err.println("allod bench: what was made in " + scratch.dir() + " is not all gone: " + e);
            if (process != null) {
                process.destroy();
            }
        }
    }
}
