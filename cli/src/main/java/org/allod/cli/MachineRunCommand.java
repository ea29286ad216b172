package org.allod.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/**
 * {@code allod machine run}: creates the app if it is missing, pulls the image if it is not here, creates the machine
 * and waits until it runs.
 */
final class MachineRunCommand {
    private MachineRunCommand() {}

    static CommandNode.Command word() {
        return new CommandNode.Command(
                        "run", "run an image as a new machine, and wait until it has started", MachineRunCommand::run)
                .takes(
                        "IMAGE",
                        CommandNode.Kind.IMAGE,
                        "a registry reference, a local image, an OCI layout folder or an archive")
                .mayTakeMany("-- CMD", CommandNode.Kind.WORD, "the command to run in place of the image's")
                .option(
                        "--app -a",
                        "NAME",
                        CommandNode.Kind.APP,
                        "the app it belongs to; made if missing (the image's name)")
                .option("--name", "NAME", "what to call it (made up)")
                .number(
                        "--port -p",
                        "PORT",
                        "the port it serves HTTP on, reached as http://APP.localhost through the edge")
                .choice("--runtime", List.of("microvm", "gvisor"), "what isolates it (the strongest that works here)")
                .number("--memory -m", "MB", "memory (256)")
                .number("--cpus", "N", "processors (1)")
                .many("--env -e", "K=V", CommandNode.Kind.WORD, "a variable of its environment; repeatable")
                .many(
                        "--volume -v",
                        "NAME:/PATH",
                        CommandNode.Kind.WORD,
                        "a volume by name or id, and where it is mounted; repeatable")
                .choice("--restart", List.of("no", "always", "on-failure"), "when it exits (on-failure)")
                .choice("--autostop", List.of("off", "stop", "suspend"), "when nobody asks for it (off)")
                .flag("--rm", "destroy it when it exits")
                .number("--timeout", "SECONDS", "how long to wait for it to start (180)")
                .more("A machine with --port starts by itself when a request for its app arrives.")
                .example("allod machine run hello --app hello --port 8080 --autostop suspend")
                .example("allod machine run debian:12 --app job --rm -e N=3 -- sh -c 'echo $N'");
    }

    private static int run(CommandContext context) {
        ParsedArgs args = context.given();
        DaemonClient daemon = context.daemon();
        String image = image(args.required(0));
        String app = args.option("--app").orElseGet(() -> appOf(args.required(0)));
        Json request = request(args, image, app);
        Json made = inApp(daemon, app, () -> {
            ensureImage(context, image);
            return daemon.call(
                    "POST", "/v1/apps/" + DaemonClient.encode(app) + "/machines", request, Duration.ofMinutes(2));
        });
        MachineRef machine = new MachineRef(app, made);
        Json started;
        try (ShutdownHook _ = ShutdownHook.doing(() -> goesOn(context.console(), machine))) {
            context.console().progress("booting " + machine.name(), "");
            started = awaitStart(context, machine);
        }
        Optional<String> url = args.number("--port", 1).map(_ -> url(daemon, app));
        if (context.json()) {
            Map<String, Json> all = new LinkedHashMap<>(started.map());
            url.ifPresent(text -> all.put("url", Json.of(text)));
            context.print(new Json.Obj(all));
            return ExitCode.DONE;
        }
        context.console().line("machine " + machine.name() + " (" + machine.id() + ") has started");
        url.ifPresent(text -> context.console().line(context.console().bold(text)));
        return ExitCode.DONE;
    }

    private static void goesOn(Console console, MachineRef machine) {
        console.note("machine " + machine.name() + " goes on being started; `allod machine show " + machine.name()
                + "` says how far it is");
    }

    /** A short job may have ended and, with --rm, be gone before a poll saw it running. */
    private static Json awaitStart(CommandContext context, MachineRef machine) {
        try {
            return StateCommands.await(
                    context,
                    context.daemon(),
                    machine,
                    "started",
                    context.given().number("--timeout", 1).orElse(180));
        } catch (ApiError e) {
            if (e.http() == 404 && context.given().flag("--rm")) {
                return Json.obj("id", machine.id(), "name", machine.name(), "state", "destroyed");
            }
            throw e;
        }
    }

    /** Makes a relative path absolute, because the daemon resolves it. */
    static String image(String typed) {
        String path = typed.startsWith("oci:") ? typed.substring("oci:".length()) : typed;
        boolean isPath =
                typed.startsWith("oci:") || typed.startsWith("./") || typed.startsWith("/") || typed.startsWith("../");
        if (!isPath) {
            return typed;
        }
        Path file = Path.of(path).toAbsolutePath().normalize();
        if (!Files.exists(file)) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND,
                    "there is no image at " + file,
                    "name a registry reference, a local image, or an OCI layout folder or archive that exists");
        }
        return "oci:" + file;
    }

    /** {@code registry.example/team/Web_App:1.2} → {@code web-app}. */
    static String appOf(String image) {
        String name = image.startsWith("oci:") ? image.substring("oci:".length()) : image;
        name = name.replaceAll("/+$", "");
        name = name.substring(name.lastIndexOf('/') + 1)
                .replaceAll("[:@].*$", "")
                .replaceAll("\\.tar$", "");
        name = name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-+|-+$", "");
        if (name.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "no app name can be made from '" + image + "'",
                    "name one with --app");
        }
        return name;
    }

    /** Parses the values of a repeatable NAME=VALUE option. */
    static Map<String, String> pairs(String option, List<String> values) {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (String pair : values) {
            int eq = pair.indexOf('=');
            if (eq < 1) {
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        option + " " + pair + " is not a " + (option.equals("-e") ? "variable" : "label"),
                        "write it as NAME=VALUE");
            }
            pairs.put(pair.substring(0, eq), pair.substring(eq + 1));
        }
        return pairs;
    }

    static Json request(ParsedArgs args, String image, String app) {
        Map<String, String> env = pairs("-e", args.options("--env"));
        if (args.option("--autostop").isPresent() && args.number("--port", 1).isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "--autostop without --port",
                    "only a machine that serves requests can be stopped when none come: name its port");
        }
        List<String> command = args.rest(1);
        Json config = Json.obj(
                "image",
                image,
                "guest",
                Json.obj(
                        "cpus", args.number("--cpus", 1).orElse(1),
                        "memory_mb", args.number("--memory", 1).orElse(256)),
                "env",
                env.isEmpty() ? null : env,
                "mounts",
                mounts(args.options("--volume")),
                "init",
                command.isEmpty() ? null : Json.obj("cmd", command),
                "restart",
                args.option("--restart")
                        .map(policy -> Json.obj("policy", policy))
                        .orElse(null),
                "auto_destroy",
                args.flag("--rm") ? true : null,
                "services",
                args.number("--port", 1)
                        .map(port -> service(port, args.option("--autostop").orElse("off")))
                        .orElse(null));
        return request(args.option("--name"), config, args.option("--runtime"));
    }

    /** Parses {@code name:/path} and {@code vol_…:/path}. */
    private static @Nullable Json mounts(List<String> volumes) {
        if (volumes.isEmpty()) {
            return null;
        }
        return Json.of(volumes.stream()
                .map(text -> {
                    int colon = text.indexOf(':');
                    if (colon < 1 || !text.startsWith("/", colon + 1)) {
                        throw RejectedException.because(
                                RejectedException.Reason.INVALID,
                                "--volume " + text + " does not name a volume and a path",
                                "write it as NAME:/PATH, such as data:/var/lib/data");
                    }
                    String which = text.substring(0, colon);
                    return Json.obj(
                            which.startsWith("vol_") ? "volume" : "name", which, "path", text.substring(colon + 1));
                })
                .toList());
    }

    /** The request of the Machines API, with Allod's additional runtime field. */
    static Json request(Optional<String> name, Json config, Optional<String> runtime) {
        @Nullable String called = name.orElse(null);
        return Json.obj("name", called, "runtime", runtime.orElse(null), "config", config);
    }

    /** An HTTP service on the edge's port, started by a request. */
    static Json service(int port, String autostop) {
        return Json.of(List.of(Json.obj(
                "protocol",
                "tcp",
                "internal_port",
                port,
                "autostart",
                true,
                "autostop",
                autostop,
                "ports",
                Json.of(List.of(Json.obj("port", 80, "handlers", List.of("http")))))));
    }

    /** Creates the app if it is missing; returns whether it was. */
    static boolean ensureApp(DaemonClient daemon, String app) {
        try {
            daemon.get("/v1/apps/" + DaemonClient.encode(app));
            return false;
        } catch (ApiError e) {
            if (e.http() != 404) {
                throw e;
            }
            daemon.post("/v1/apps", Json.obj("app_name", app, "name", app, "org_slug", "personal"));
            return true;
        }
    }

    /** Runs {@code work} in an app that is created if it is missing, and deletes a created app if the work fails. */
    static <T> T inApp(DaemonClient daemon, String app, Supplier<T> work) {
        boolean made = ensureApp(daemon, app);
        try {
            return work.get();
        } catch (RuntimeException e) {
            if (made) {
                try {
                    // The daemon refuses the deletion if the app is not empty.
                    daemon.delete("/v1/apps/" + DaemonClient.encode(app));
                } catch (RuntimeException stays) {
                    e.addSuppressed(stays);
                }
            }
            throw e;
        }
    }

    /** Pulls a missing image with progress. The create run would pull it too, without progress. */
    static void ensureImage(CommandContext context, String image) {
        boolean here = context.daemon().get("/v1/host/images").at("images").items().stream()
                .map(known -> known.at("reference").text())
                .anyMatch(known -> known.equals(image) || known.equals(image + ":latest"));
        if (!here) {
            ImageTask.run(context, "/v1/host/images/pull", Json.obj("reference", image));
        }
    }

    /** The app's URL, from the edge's own address. */
    static String url(DaemonClient daemon, String app) {
        Json status = daemon.get("/v1/host/status");
        String edge = status.at("edge").text();
        String port = edge.substring(edge.lastIndexOf(':') + 1);
        return "http://" + app + "." + status.at("domain").text("localhost") + (port.equals("80") ? "" : ":" + port)
                + "/";
    }
}
