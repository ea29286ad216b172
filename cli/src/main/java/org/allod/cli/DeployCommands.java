package org.allod.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.RejectedException;

/**
 * {@code allod deploy …}: deploys an app as a file describes. The daemon carries the deploy out; this command requests
 * it and shows its progress.
 */
final class DeployCommands {
    private DeployCommands() {}

    static CommandNode.Command word() {
        return new CommandNode.Command(
                        "deploy", "bring an app's machines to a new version, or back", DeployCommands::deploy)
                .below(DeployCommands::below)
                .mayTake("DIR", CommandNode.Kind.FILE, "the folder with allod.toml or fly.toml, or such a file (here)")
                .option("--config -c", "FILE", CommandNode.Kind.FILE, "the configuration file")
                .option("--app -a", "NAME", CommandNode.Kind.APP, "the app, over what the file says")
                .option("--image -i", "REF", CommandNode.Kind.IMAGE, "the image, over what the file says")
                .choice("--strategy", List.of("rolling", "immediate", "canary", "bluegreen"), "how (rolling)")
                .flag("--detach", "return once the daemon has taken it over")
                .more("The daemon carries the deploy out, and back where a machine does not start or pass its checks;"
                        + " it goes on whatever becomes of this command. Exit code 0: every machine is at the new"
                        + " version; 1: every machine is what it was before; 4: refused, such as while another deploy"
                        + " runs. Below it: `allod deploy list`, `show`, `cancel`, `rollback`.")
                .example("allod deploy")
                .example("allod deploy ./shop --image registry.example/shop:2 --strategy bluegreen");
    }

    private static List<CommandNode> below() {
        return List.of(
                of(new CommandNode.Command("list", "list an app's deploys, youngest first", DeployCommands::list))
                        .example("allod deploy list --app shop"),
                of(new CommandNode.Command("show", "show a deploy and where its machines are", DeployCommands::show))
                        .mayTake("DEPLOY", CommandNode.Kind.WORD, "its number or id (the last)")
                        .flag("--follow -f", "until it is over")
                        .example("allod deploy show --follow --app shop"),
                of(new CommandNode.Command("cancel", "take back a deploy that is under way", DeployCommands::cancel))
                        .mayTake("DEPLOY", CommandNode.Kind.WORD, "its number or id (the last)")
                        .flag("--detach", "return at once")
                        .example("allod deploy cancel --app shop"),
                of(new CommandNode.Command(
                                "rollback", "deploy again what an earlier deploy did", DeployCommands::rollback))
                        .mayTake("DEPLOY", CommandNode.Kind.WORD, "its number or id (the one before what is there now)")
                        .flag("--detach", "return once the daemon has taken it over")
                        .example("allod deploy rollback --app shop 3"));
    }

    private static CommandNode.Command of(CommandNode.Command command) {
        return command.option(
                "--app -a", "NAME", CommandNode.Kind.APP, "the app (what allod.toml or fly.toml here says)");
    }

    private static int deploy(CommandContext context) {
        ParsedArgs args = context.given();
        Path folder = Path.of(args.optional(0).orElse("."));
        Path file = DeployFile.mustFind(folder, args.option("--config"));
        Path beside = Optional.ofNullable(file.getParent()).orElse(Path.of("."));
        DeployPlan plan = DeployPlan.of(
                DeployFile.read(file, warning -> context.console().note("allod: " + warning)),
                beside,
                new DeployPlan.Over(args.option("--app"), args.option("--image"), args.option("--strategy")));
        DaemonClient daemon = context.daemon();
        return follow(
                context,
                daemon,
                plan.app(),
                () -> MachineRunCommand.inApp(daemon, plan.app(), () -> {
                    leftAlone(context, daemon, plan.app());
                    return daemon.post(path(plan.app()), plan.request());
                }));
    }

    /** Reports the app's machines that no deploy made: a deploy does not replace them, and they continue to serve. */
    private static void leftAlone(CommandContext context, DaemonClient daemon, String app) {
        List<String> names = daemon.get("/v1/apps/" + DaemonClient.encode(app) + "/machines").items().stream()
                .filter(m ->
                        m.at("config", "metadata", "fly_process_group").text().isEmpty())
                .filter(m -> m.at("config", "metadata", "allod_release").text().isEmpty())
                .map(m -> m.at("name").text())
                .toList();
        if (!names.isEmpty()) {
            context.console()
                    .note("allod: not made by a deploy and left alone: " + String.join(", ", names)
                            + "; `allod machine destroy` removes what is no longer wanted");
        }
    }

    /** Has the daemon start the deploy and follows it, unless {@code --detach} is given. */
    private static int follow(CommandContext context, DaemonClient daemon, String app, Supplier<Json> begin) {
        if (context.given().flag("--detach")) {
            Json begun = begin.get();
            if (context.json()) {
                context.print(begun);
            } else {
                context.console()
                        .line(title(begun) + " is under way; `allod deploy show -f --app " + app + "` follows it");
            }
            return ExitCode.DONE;
        }
        return DeployFollower.follow(context, daemon, app, begin, true);
    }

    private static int list(CommandContext context) {
        Json answer = context.daemon().get(path(app(context)));
        if (context.json()) {
            context.print(answer);
            return ExitCode.DONE;
        }
        if (answer.at("deploys").items().isEmpty()) {
            context.console().note("no deploys yet; `allod deploy` makes one");
            return ExitCode.DONE;
        }
        Table table = new Table("number", "status", "strategy", "age", "image", "why");
        for (Json deploy : answer.at("deploys").items()) {
            List<String> images = deploy.at("groups").items().stream()
                    .map(group -> image(group.at("image").text()))
                    .distinct()
                    .toList();
            table.row(
                    deploy.at("number").text(),
                    deploy.at("status").text(),
                    deploy.at("strategy").text(),
                    MachineCommands.age(context, deploy.at("created_at").text()),
                    String.join(" ", images),
                    clipped(deploy.at("why").text()));
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    /** Shortens a digest for display. */
    static String image(String pinned) {
        int at = pinned.indexOf("@sha256:");
        return at < 0 || pinned.length() < at + 16
                ? pinned
                : pinned.substring(0, at) + "@" + pinned.substring(at + 8, at + 16);
    }

    private static String clipped(String why) {
        return why.length() <= 60 ? why : why.substring(0, 57) + "...";
    }

    private static int show(CommandContext context) {
        DaemonClient daemon = context.daemon();
        String app = app(context);
        Json deploy = one(context, daemon, app);
        if (context.given().flag("--follow")) {
            return DeployFollower.follow(context, daemon, app, () -> deploy, false);
        }
        if (context.json()) {
            context.print(deploy);
            return ExitCode.DONE;
        }
        Console console = context.console();
        console.line(title(deploy) + ": " + console.state(deploy.at("status").text()));
        for (String name : List.of("id", "strategy", "source", "created_at", "ended_at", "why")) {
            if (!deploy.at(name).text().isEmpty()) {
                console.line(console.dim(name + " ".repeat(12 - name.length()))
                        + deploy.at(name).text());
            }
        }
        if (!deploy.at("machines").items().isEmpty()) {
            Table table = new Table("machine", "id", "group", "part", "state", "note");
            deploy.at("machines")
                    .items()
                    .forEach(m -> table.row(
                            m.at("name").text(),
                            m.at("id").text(),
                            m.at("group").text(),
                            m.at("role").text(),
                            m.at("phase").text(),
                            clipped(m.at("note").text())));
            table.print(console);
        }
        return ExitCode.DONE;
    }

    private static int cancel(CommandContext context) {
        DaemonClient daemon = context.daemon();
        String app = app(context);
        Json deploy = one(context, daemon, app);
        Json cancelled = daemon.post(
                path(app) + "/" + deploy.at("id").text() + "/cancel", Json.obj("cause", "cancelled by the operator"));
        if (context.given().flag("--detach")) {
            return follow(context, daemon, app, () -> cancelled);
        }
        Json end = DeployFollower.watch(context, daemon, app, cancelled);
        if (context.json()) {
            context.print(end);
        } else {
            context.console().line(title(end) + " is " + end.at("status").text().replace('_', ' '));
        }
        // The rollback was requested, so it is a success.
        return end.at("status").text().equals("rolled_back") ? ExitCode.DONE : ExitCode.FAILED;
    }

    private static int rollback(CommandContext context) {
        DaemonClient daemon = context.daemon();
        String app = app(context);
        Json to = context.given()
                .optional(0)
                .map(which -> Json.obj("to", one(context, daemon, app).at("id").text()))
                .orElse(Json.obj());
        return follow(context, daemon, app, () -> daemon.post(path(app) + "/rollback", to));
    }

    /** The given deploy, or the last one. */
    private static Json one(CommandContext context, DaemonClient daemon, String app) {
        Optional<String> which = context.given().optional(0);
        if (which.isPresent()) {
            return daemon.get(path(app) + "/" + DaemonClient.encode(which.get()));
        }
        Json last = daemon.get(path(app)).at("deploys").items().stream()
                .findFirst()
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "app " + app + " has no deploys",
                        "`allod deploy` makes one"));
        return daemon.get(path(app) + "/" + last.at("id").text());
    }

    private static String app(CommandContext context) {
        return context.given()
                .option("--app")
                .or(() -> DeployFile.find(Path.of("."), Optional.empty())
                        .flatMap(file -> DeployFile.read(file, warning -> {}).text("app")))
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "no app is named, and there is no allod.toml or fly.toml here that names one",
                        "add --app NAME"));
    }

    static String title(Json deploy) {
        return "deploy " + deploy.at("number").text() + " of "
                + deploy.at("app").text();
    }

    static String path(String app) {
        return "/v1/apps/" + DaemonClient.encode(app) + "/deploys";
    }

    /** The app's address, if one of its machines serves requests. */
    static Optional<String> url(DaemonClient daemon, String app) {
        boolean serves = daemon.get("/v1/apps/" + DaemonClient.encode(app) + "/machines").items().stream()
                .anyMatch(m -> !m.at("config", "services").items().isEmpty());
        return serves ? Optional.of(MachineRunCommand.url(daemon, app)) : Optional.empty();
    }

    /** The number of machines that serve, for the summary. */
    static long serving(Json deploy) {
        return deploy.at("machines").items().stream()
                .map(m -> m.at("phase").text())
                .filter("serving"::equals)
                .count();
    }
}
