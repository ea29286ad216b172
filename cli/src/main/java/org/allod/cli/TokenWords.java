package org.allod.cli;

import java.util.List;

/** {@code allod token …}: tokens that speak for one app. */
final class TokenWords {
    private TokenWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("create", "make a token that may do everything in one app", TokenWords::create)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app it is for")
                        .option("--expiry", "TIME", "how long it lives, such as 24h (a year)")
                        .option("--name", "TEXT", "what it is for, for the list")
                        .more("The token is shown this once; only a hash of it is kept.")
                        .example("allod token create --app shop --expiry 720h --name ci"),
                new Word.Command("list", "list the tokens that are good now", TokenWords::list)
                        .option("--app -a", "NAME", Word.Kind.APP, "of this app alone")
                        .example("allod token list --app shop"),
                new Word.Command("revoke", "make a token worthless, at once and for good", TokenWords::revoke)
                        .takes("ID", Word.Kind.WORD, "as `allod token list` shows it")
                        .example("allod token revoke 01M819AEBTYZT4029D4DJFTE7E"));
    }

    private static int create(Session session) {
        Given given = session.given();
        Json answer = session.daemon()
                .post(
                        "/v1/apps/" + Daemon.encode(SecretWords.app(given)) + "/deploy_token",
                        Json.obj(
                                "expiry", given.option("--expiry").orElse(null),
                                "name", given.option("--name").orElse(null)));
        if (session.json()) {
            session.print(answer);
        } else {
            session.screen().line(answer.at("token").text());
            String year = given.option("--expiry").isPresent() ? "" : " (a year, as no --expiry was given)";
            session.screen().note("it ends at " + answer.at("expires_at").text() + year + " and is not shown again");
        }
        return ExitCode.DONE;
    }

    private static int list(Session session) {
        String of = session.given()
                .option("--app")
                .map(app -> "?app_name=" + Daemon.encode(app))
                .orElse("");
        Json answer = session.daemon().get("/v1/tokens" + of);
        if (session.json()) {
            session.print(answer);
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
        table.print(session.screen());
        return ExitCode.DONE;
    }

    private static int revoke(Session session) {
        Json answer = session.daemon()
                .delete("/v1/tokens/" + Daemon.encode(session.given().take(0)));
        if (session.json()) {
            session.print(answer);
        } else {
            session.screen()
                    .line("token " + answer.at("id").text() + " of app "
                            + answer.at("app_name").text() + " is worthless now");
        }
        return ExitCode.DONE;
    }
}
