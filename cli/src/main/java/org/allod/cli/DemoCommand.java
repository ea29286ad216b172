package org.allod.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.FailedException;

/** The first machine: a web server in an image built on the spot, stopped when idle and woken by a request. */
final class DemoCommand {
    private static final String NAME = "hello";
    private static final int PORT = 8080;

    /** Allows for an emulated boot on a busy host. */
    private static final Duration ANSWER = Duration.ofMinutes(2);

    private DemoCommand() {}

    /** Creates what is missing, waits until it answers, and returns its address. */
    static String run(CommandContext context, DaemonClient daemon, Json status) {
        if (daemon.get("/v1/host/images").at("images").items().stream()
                .noneMatch(image -> isOurs(image.at("reference").text()))) {
            ImageTask.run(context, daemon, "/v1/host/images/build", image());
        }
        MachineRunCommand.ensureApp(daemon, NAME);
        if (daemon.get("/v1/apps/" + NAME + "/machines").items().isEmpty()) {
            context.console().progress("creating the machine " + NAME, "");
            daemon.call(
                    "POST",
                    "/v1/apps/" + NAME + "/machines",
                    MachineRunCommand.request(Optional.of(NAME), machine(), Optional.empty()),
                    Duration.ofMinutes(2));
        }
        String url = MachineRunCommand.url(daemon, NAME);
        context.console().progress("waiting for " + url, "");
        awaitAnswer(context, status.at("edge").text("127.0.0.1:8080"), url);
        return url;
    }

    private static boolean isOurs(String reference) {
        return reference.equals(NAME)
                || reference.equals(NAME + ":latest")
                || reference.endsWith("/" + NAME + ":latest");
    }

    private static Json image() {
        return ImageCommands.request(
                NAME,
                List.of("busybox-static"),
                List.of(Json.obj(
                        "source",
                        LocalSystem.home().resolve("demo").resolve("www").toString(),
                        "destination",
                        "/srv/www")),
                List.of("busybox", "httpd", "-f", "-p", Integer.toString(PORT), "-h", "/srv/www"),
                List.of(),
                List.of(PORT));
    }

    private static Json machine() {
        return Json.obj(
                "image", NAME,
                "guest", Json.obj("cpus", 1, "memory_mb", 256),
                "services", MachineRunCommand.service(PORT, "stop"));
    }

    /** Requests the page through the edge, as the user's browser will. */
    private static void awaitAnswer(CommandContext context, String edge, String url) {
        DaemonAddress address = DaemonAddress.parse(local(edge), Optional.empty());
        long end = context.clock().monoNanos() + ANSWER.toNanos();
        String last = "";
        while (context.clock().monoNanos() < end) {
            Duration left = Duration.ofNanos(Math.max(1, end - context.clock().monoNanos()));
            try (HttpConnection connection = new HttpConnection(address)) {
                int got = connection
                        .exchange("GET", "/", Map.of("Host", NAME + ".localhost"), new byte[0], Optional.of(left))
                        .status();
                if (got == 200) {
                    return;
                }
                last = "the edge answered " + got;
            } catch (DaemonUnreachableException | FailedException | IOException e) {
                last = String.valueOf(e.getMessage());
            }
            context.pause(Duration.ofMillis(50));
        }
        throw new FailedException(
                "the machine " + NAME + " has not answered at " + url + " within " + ANSWER.toSeconds() + " s: " + last
                        + "; `allod machine logs " + NAME + "` and `allod fsm list` say what it does");
    }

    /** The loopback address, if the edge listens on every address. */
    private static String local(String edge) {
        return edge.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
    }
}
