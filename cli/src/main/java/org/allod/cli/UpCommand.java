package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;

/** {@code allod up}: brings a host from any state to one whose first machine answers. */
final class UpCommand {
    private static final String API = "127.0.0.1:4280";
    private static final String EDGE = "127.0.0.1:8080";

    private UpCommand() {}

    static int run(CommandContext context) {
        if (!LocalSystem.isRoot()) {
            throw RejectedException.because(
                    RejectedException.Reason.FORBIDDEN,
                    "starting a host needs root: it makes namespaces, control groups and mounts",
                    "run it as root: sudo allod up");
        }
        ParsedArgs args = context.given();
        // Here --api is the address to listen on, so the daemon is looked up at its socket.
        DaemonClient daemon = new DaemonClient(new DaemonAddress.Unix(context.socket()));
        Optional<Json> running = status(daemon);
        if (running.isEmpty()) {
            DaemonLauncher process = new DaemonLauncher(context);
            String api = args.option("--api").or(() -> context.env("ALLOD_API")).orElse(API);
            String edge = args.option("--edge").orElse(EDGE);
            DaemonLauncher.requireFree("API", "--api", api);
            DaemonLauncher.requireFree("edge", "--edge", edge);
            SetupCommand.ensure(context);
            context.console().progress("starting the daemon", "");
            process.awaitAnswer(process.start(api, edge, args.option("--region").orElse("local")), daemon);
        } else {
            differs(context, running.orElseThrow(), "--api", "api");
            differs(context, running.orElseThrow(), "--edge", "edge");
        }
        Json status = daemon.get("/v1/host/status");
        Optional<String> url =
                args.flag("--no-demo") ? Optional.empty() : Optional.of(DemoCommand.run(context, daemon, status));
        context.console().settle();
        report(context, status, running.isPresent(), url);
        return ExitCode.DONE;
    }

    private static Optional<Json> status(DaemonClient daemon) {
        try {
            return Optional.of(daemon.get("/v1/host/status"));
        } catch (DaemonUnreachableException e) {
            return Optional.empty();
        }
    }

    /** Refuses an address that differs from a running daemon's, because the daemon would not move. */
    private static void differs(CommandContext context, Json status, String option, String field) {
        context.given()
                .option(option)
                .filter(asked -> !asked.equals(status.at(field).text(asked)))
                .ifPresent(asked -> {
                    throw RejectedException.because(
                            RejectedException.Reason.CONFLICT,
                            "the daemon in " + context.data() + " runs already, with " + option + " "
                                    + status.at(field).text(),
                            "stop it first: allod down, then allod up " + option + " " + asked);
                });
    }

    /** Whether this program was built after the daemon was started (launcher/build records when). */
    private static boolean outdated(CommandContext context, Json status) {
        try {
            Instant built = Files.getLastModifiedTime(
                            Path.of(System.getProperty("allod.home", ""), "target/dist/built"))
                    .toInstant();
            long up = status.at("uptime_seconds").number(0);
            return built.isAfter(context.clock().wall().minusSeconds(up));
        } catch (IOException e) {
            return false; // installed, not built here
        }
    }

    private static void report(CommandContext context, Json status, boolean was, Optional<String> url) {
        if (context.json()) {
            context.print(Json.obj(
                    "started", !was,
                    "data", context.data().toString(),
                    "api", status.at("api"),
                    "edge", status.at("edge"),
                    "outdated", was && outdated(context, status),
                    "url", url.orElse(null)));
            return;
        }
        Console console = context.console();
        console.line(was ? "the daemon was running" : "the daemon runs");
        if (was && outdated(context, status)) {
            console.line(
                    "  it is an older build; to run this one: allod down, then allod up (machines continue to run)");
        }
        console.line("  api   " + status.at("api").text(API) + ", and " + context.socket());
        console.line("  edge  " + status.at("edge").text(EDGE));
        if (url.isPresent()) {
            console.line("");
            console.line("the first machine answers at " + console.bold(url.orElseThrow()));
        }
        console.line("");
        console.line("try next:");
        List<String> next = url.isPresent()
                ? List.of(
                        "allod machine list",
                        "allod machine stop hello       # the next request wakes it",
                        "curl " + url.orElseThrow(),
                        "allod machine exec -it hello sh")
                : List.of("allod doctor", "allod machine run IMAGE --app NAME --port 8080");
        next.forEach(line -> console.line("  " + line));
    }
}
