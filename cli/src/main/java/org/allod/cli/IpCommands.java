package org.allod.cli;

import java.util.List;

/** {@code allod ips …}: the addresses at which an app is reached. */
final class IpCommands {
    private IpCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command("allocate", "assign an address of this host to an app", IpCommands::allocate)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app")
                        .choice("--type", List.of("shared_v4", "shared_v6"), "of which kind (shared_v4)")
                        .example("allod ips allocate --app shop"),
                new CommandNode.Command("list", "list an app's addresses", IpCommands::list)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app")
                        .example("allod ips list --app shop"),
                new CommandNode.Command("release", "take an address back", IpCommands::release)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app")
                        .takes("IP", CommandNode.Kind.WORD, "the address")
                        .example("allod ips release 192.0.2.7 --app shop"));
    }

    private static String path(CommandContext context) {
        return "/v1/apps/" + DaemonClient.encode(SecretCommands.app(context.given())) + "/ip_assignments";
    }

    private static int allocate(CommandContext context) {
        Json answer = context.daemon()
                .post(
                        path(context),
                        Json.obj("type", context.given().option("--type").orElse("shared_v4")));
        if (context.json()) {
            context.print(answer);
        } else {
            context.console().line(answer.at("ip").text());
        }
        return ExitCode.DONE;
    }

    private static int list(CommandContext context) {
        Json answer = context.daemon().get(path(context));
        if (context.json()) {
            context.print(answer);
            return ExitCode.DONE;
        }
        Table table = new Table("ip", "shared", "created");
        for (Json one : answer.at("ips").items()) {
            table.row(
                    one.at("ip").text(),
                    one.at("shared").text(),
                    one.at("created_at").text());
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    private static int release(CommandContext context) {
        String ip = context.given().required(0);
        context.daemon().delete(path(context) + "/" + DaemonClient.encode(ip));
        if (context.json()) {
            context.print(Json.obj("ok", true, "ip", ip));
        } else {
            context.console().line(ip + " is no longer the app's");
        }
        return ExitCode.DONE;
    }
}
