package org.allod.cli;

import java.time.Duration;
import java.util.List;
import org.allod.base.RejectedException;

/** {@code allod app …} */
final class AppCommands {
    /** Seconds for one machine to be destroyed: draining, killing its processes, unmounting. */
    private static final int GONE_SECONDS = 120;

    /** Time for all of its volumes as well. */
    private static final Duration GONE = Duration.ofMinutes(5);

    private AppCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command("create", "make an app", AppCommands::create)
                        .takes(
                                "NAME",
                                CommandNode.Kind.WORD,
                                "lower-case letters, digits and hyphens; becomes NAME.localhost")
                        .example("allod app create hello"),
                new CommandNode.Command("list", "list the apps", AppCommands::list).example("allod app list --json"),
                new CommandNode.Command("destroy", "destroy an app and its machines", AppCommands::destroy)
                        .takes("NAME", CommandNode.Kind.APP, "the app")
                        .flag("--force", "also where it has machines and volumes: they are destroyed first")
                        .example("allod app destroy hello --force"));
    }

    private static int create(CommandContext context) {
        String name = context.given().required(0);
        Json app = context.daemon().post("/v1/apps", Json.obj("app_name", name, "name", name, "org_slug", "personal"));
        if (context.json()) {
            context.print(app);
        } else {
            context.console().line("app " + name + " is there");
        }
        return ExitCode.DONE;
    }

    private static int list(CommandContext context) {
        Json answer = context.daemon().get("/v1/apps?org_slug=personal");
        if (context.json()) {
            context.print(answer);
            return ExitCode.DONE;
        }
        if (answer.at("apps").items().isEmpty()) {
            context.console().note("no apps yet; `allod machine run IMAGE --app NAME` makes one");
            return ExitCode.DONE;
        }
        Table table = new Table("name", "machines", "network");
        for (Json app : answer.at("apps").items()) {
            table.row(
                    app.at("name").text(),
                    app.at("machine_count").text(),
                    app.at("network").text());
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    private static int destroy(CommandContext context) {
        String name = context.given().required(0);
        String path = "/v1/apps/" + DaemonClient.encode(name);
        DaemonClient daemon = context.daemon();
        List<Json> machines = daemon.get(path + "/machines").items();
        int volumes = (int) daemon.get(path).at("volume_count").number(0);
        if ((!machines.isEmpty() || volumes > 0) && !context.given().flag("--force")) {
            throw RejectedException.because(
                    RejectedException.Reason.CONFLICT,
                    "app " + name + " has " + has(machines.size(), volumes),
                    "destroy them first, or add --force" + (volumes > 0 ? ": what is in a volume is then lost" : ""));
        }
        for (Json machine : machines) {
            StateCommands.destroy(daemon, new MachineRef(name, machine), true);
        }
        for (Json machine : machines) {
            StateCommands.awaitGone(context, daemon, new MachineRef(name, machine), GONE_SECONDS);
        }
        daemon.call("DELETE", path + (context.given().flag("--force") ? "?force=true" : ""), Json.none(), GONE);
        if (context.json()) {
            context.print(Json.obj("ok", true, "app", name, "machines", machines.size()));
        } else {
            context.console().line("app " + name + " is gone");
        }
        return ExitCode.DONE;
    }

    private static String has(int machines, int volumes) {
        return machines == 0
                ? counted(volumes, "volume")
                : counted(machines, "machine") + (volumes == 0 ? "" : " and " + counted(volumes, "volume"));
    }

    private static String counted(int many, String what) {
        return many + " " + what + (many == 1 ? "" : "s");
    }
}
