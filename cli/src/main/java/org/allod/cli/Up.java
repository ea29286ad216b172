package org.allod.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.base.Rejected;

/** {@code allod up}: from nothing, or from whatever is there, to a host whose first machine answers. */
final class Up {
    private static final String API = "127.0.0.1:4280";
    private static final String EDGE = "127.0.0.1:8080";

    private Up() {}

    static int run(Session session) {
        if (!Host.isRoot()) {
            throw Rejected.because(
                    Rejected.Reason.FORBIDDEN,
                    "starting a host needs root: it makes namespaces, control groups and mounts",
                    "run it as root: sudo allod up");
        }
        Given given = session.given();
        // Here --api says where to listen, so the daemon is looked for at the one place it always has.
        Daemon daemon = new Daemon(new Address.Unix(session.socket()));
        Optional<Json> running = status(daemon);
        if (running.isEmpty()) {
            DaemonProcess process = new DaemonProcess(session);
            String api =
                    given.option("--api").or(() -> session.env("ALLOD_API")).orElse(API);
            String edge = given.option("--edge").orElse(EDGE);
            DaemonProcess.requireFree("API", "--api", api);
            DaemonProcess.requireFree("edge", "--edge", edge);
            Setup.ensure(session);
            session.screen().progress("starting the daemon", "");
            process.awaitAnswer(
                    process.start(api, edge, given.option("--region").orElse("local")), daemon);
        } else {
            differs(session, running.orElseThrow(), "--api", "api");
            differs(session, running.orElseThrow(), "--edge", "edge");
        }
        Json status = daemon.get("/v1/host/status");
        Optional<String> url =
                given.flag("--no-demo") ? Optional.empty() : Optional.of(Demo.run(session, daemon, status));
        session.screen().settle();
        report(session, status, running.isPresent(), url);
        return ExitCode.DONE;
    }

    private static Optional<Json> status(Daemon daemon) {
        try {
            return Optional.of(daemon.get("/v1/host/status"));
        } catch (NoDaemon e) {
            return Optional.empty();
        }
    }

    /** A daemon that runs listens where it does: asking for another place is a mistake worth saying. */
    private static void differs(Session session, Json status, String option, String field) {
        session.given()
                .option(option)
                .filter(asked -> !asked.equals(status.at(field).text(asked)))
                .ifPresent(asked -> {
                    throw Rejected.because(
                            Rejected.Reason.CONFLICT,
                            "the daemon in " + session.data() + " runs already, with " + option + " "
                                    + status.at(field).text(),
                            "stop it first: allod down, then allod up " + option + " " + asked);
                });
    }

    /** Whether this program was built (launcher/build marks when) after the daemon was started. */
    private static boolean outdated(Session session, Json status) {
        try {
            Instant built = Files.getLastModifiedTime(
                            Path.of(System.getProperty("allod.home", ""), "target/dist/built"))
                    .toInstant();
            long up = status.at("uptime_seconds").number(0);
            return built.isAfter(session.clock().wall().minusSeconds(up));
        } catch (IOException e) {
            return false; // installed, not built here
        }
    }

    private static void report(Session session, Json status, boolean was, Optional<String> url) {
        if (session.json()) {
            session.print(Json.obj(
                    "started", !was,
                    "data", session.data().toString(),
                    "api", status.at("api"),
                    "edge", status.at("edge"),
                    "outdated", was && outdated(session, status),
                    "url", url.orElse(null)));
            return;
        }
        Screen screen = session.screen();
        screen.line(was ? "the daemon was running" : "the daemon runs");
        if (was && outdated(session, status)) {
            screen.line(
                    "  it is of an older build: allod down, then allod up, to run this one; machines go on meanwhile");
        }
        screen.line("  api   " + status.at("api").text(API) + ", and " + session.socket());
        screen.line("  edge  " + status.at("edge").text(EDGE));
        if (url.isPresent()) {
            screen.line("");
            screen.line("the first machine answers at " + screen.bold(url.orElseThrow()));
        }
        screen.line("");
        screen.line("try next:");
        List<String> next = url.isPresent()
                ? List.of(
                        "allod machine list",
                        "allod machine stop hello       # the next request wakes it",
                        "curl " + url.orElseThrow(),
                        "allod machine exec -it hello sh")
                : List.of("allod doctor", "allod machine run IMAGE --app NAME --port 8080");
        next.forEach(line -> screen.line("  " + line));
    }
}
