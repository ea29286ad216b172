package org.allod.cli;

import java.util.List;

/** {@code allod token …}: tokens with rights in one app. */
final class TokenCommands {
    private TokenCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command(
                                "create", "make a token that may do everything in one app", TokenCommands::create)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app it is for")
                        .option("--expiry", "TIME", "how long it lives, such as 24h (a year)")
                        .option("--name", "TEXT", "what it is for, for the list")
                        .more("The token is shown this once; only a hash of it is kept.")
                        .example("allod token create --app shop --expiry 720h --name ci"),
                new CommandNode.Command("list", "list the tokens that are good now", TokenCommands::list)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "of this app alone")
                        .example("allod token list --app shop"),
                new CommandNode.Command("revoke", "make a token worthless, at once and for good", TokenCommands::revoke)
                        .takes("ID", CommandNode.Kind.WORD, "as `allod token list` shows it")
                        .example("allod token revoke 01M819AEBTYZT4029D4DJFTE7E"));
    }

    private static int create(CommandContext context) {
        ParsedArgs args = context.given();
        Json answer = context.daemon()
                .post(
                        "/v1/apps/" + DaemonClient.encode(SecretCommands.app(args)) + "/deploy_token",
                        Json.obj(
                                "expiry", args.option("--expiry").orElse(null),
                                "name", args.option("--name").orElse(null)));
        if (context.json()) {
            context.print(answer);
        } else {
            context.console().line(answer.at("token").text());
            String year = args.option("--expiry").isPresent() ? "" : " (a year, as no --expiry was given)";
            context.console().note("it ends at " + answer.at("expires_at").text() + year + " and is not shown again");
        }
        return ExitCode.DONE;
    }

    private static int list(CommandContext context) {
        String of = context.given()
                .option("--app")
                .map(app -> "?app_name=" + DaemonClient.encode(app))
                .orElse("");
        Json answer = context.daemon().get("/v1/tokens" + of);
        if (context.json()) {
            context.print(answer);
            return ExitCode.DONE;
        }
        Table table = new Table("id", "app", "name", "expires");
        for (Json token : answer.at("tokens").items()) {
            table.row(
                    token.at("id").text(),
                    token.at("app_name").text(),
                    token.at("name").text("-"),
                    token.at("expires_at").text());
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    private static int revoke(CommandContext context) {
        Json answer = context.daemon()
                .delete("/v1/tokens/" + DaemonClient.encode(context.given().required(0)));
        if (context.json()) {
            context.print(answer);
        } else {
            context.console()
                    .line("token " + answer.at("id").text() + " of app "
                            + answer.at("app_name").text() + " is revoked");
        }
        return ExitCode.DONE;
    }
}
