package org.allod.cli;

import java.nio.file.Path;
import java.util.List;
import org.allod.base.RejectedException;

/** {@code allod cert …}: certificates of an app's custom host names. */
final class CertCommands {
    private CertCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command("add", "bring a certificate for a host name", CertCommands::add)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app that the name leads to")
                        .takes("HOST", CommandNode.Kind.WORD, "the host name, or *.DOMAIN")
                        .option(
                                "--chain",
                                "FILE",
                                CommandNode.Kind.FILE,
                                "the certificate and those it was signed by, in PEM")
                        .option("--key", "FILE", CommandNode.Kind.FILE, "its private key, in PEM without a passphrase")
                        .example("allod cert add shop.example.com --app shop --chain fullchain.pem --key privkey.pem"),
                new CommandNode.Command("list", "list an app's certificates", CertCommands::list)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app")
                        .example("allod cert list --app shop"),
                new CommandNode.Command("check", "look at a certificate and at the name's DNS now", CertCommands::check)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app")
                        .takes("HOST", CommandNode.Kind.WORD, "the host name")
                        .example("allod cert check shop.example.com --app shop"),
                new CommandNode.Command("remove", "delete a certificate and its key", CertCommands::remove)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app")
                        .takes("HOST", CommandNode.Kind.WORD, "the host name")
                        .example("allod cert remove shop.example.com --app shop"),
                new CommandNode.Command(
                                "allow",
                                "give a host name to an app, whatever certificate it brings",
                                CertCommands::allow)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app")
                        .takes("HOST", CommandNode.Kind.WORD, "the host name, or *.DOMAIN")
                        .more(
                                "For the operator. An app's token can bring a certificate of a trusted authority without it.")
                        .example("allod cert allow shop.example.com --app shop"),
                new CommandNode.Command(
                                "disallow", "take back a host name that was given to an app", CertCommands::disallow)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app")
                        .takes("HOST", CommandNode.Kind.WORD, "the host name")
                        .example("allod cert disallow shop.example.com --app shop"));
    }

    private static String path(CommandContext context) {
        return "/v1/apps/" + DaemonClient.encode(SecretCommands.app(context.given())) + "/certificates";
    }

    private static String pem(CommandContext context, String option) {
        Path file = Path.of(context.given()
                .option(option)
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID,
                        option + " is missing",
                        "`allod cert add --help` shows how it is used")));
        return SecretCommands.text(option, SecretCommands.file(file));
    }

    private static int add(CommandContext context) {
        Json answer = context.daemon()
                .post(
                        path(context) + "/custom",
                        Json.obj(
                                "hostname", context.given().required(0),
                                "fullchain", pem(context, "--chain"),
                                "private_key", pem(context, "--key")));
        return show(context, answer);
    }

    private static int check(CommandContext context) {
        String host = DaemonClient.encode(context.given().required(0));
        return show(context, context.daemon().post(path(context) + "/" + host + "/check", Json.obj()));
    }

    private static int show(CommandContext context, Json certificate) {
        if (context.json()) {
            context.print(certificate);
            return ExitCode.DONE;
        }
        Console console = context.console();
        console.line(certificate.at("hostname").text() + " "
                + console.state(certificate.at("status").text("-")));
        for (Json entry : certificate.at("certificates").items()) {
            console.line("  from " + entry.at("issuer").text() + ", until "
                    + entry.at("expires_at").text());
        }
        for (Json wrong : certificate.at("validation_errors").items()) {
            console.line("  " + wrong.at("message").text() + ": "
                    + wrong.at("remediation").text());
        }
        return ExitCode.DONE;
    }

    private static int list(CommandContext context) {
        Json answer = context.daemon().get(path(context) + "?limit=500");
        if (context.json()) {
            context.print(answer);
            return ExitCode.DONE;
        }
        Table table = new Table("host", "status", "updated");
        for (Json one : answer.at("certificates").items()) {
            table.row(
                    one.at("hostname").text(),
                    one.at("status").text(),
                    one.at("updated_at").text());
        }
        for (Json one : answer.at("lost_hostnames").items()) {
            table.row(one.at("hostname").text(), "lost", one.at("at").text());
        }
        table.print(context.console());
        for (Json one : answer.at("allowed_hostnames").items()) {
            context.console().line(one.text() + " was given to the app by the operator");
        }
        return ExitCode.DONE;
    }

    private static String names(CommandContext context) {
        return "/v1/apps/" + DaemonClient.encode(SecretCommands.app(context.given())) + "/host_names";
    }

    private static int allow(CommandContext context) {
        Json answer = context.daemon()
                .post(names(context), Json.obj("hostname", context.given().required(0)));
        return given(context, answer, " is given to app ");
    }

    private static int disallow(CommandContext context) {
        String host = DaemonClient.encode(context.given().required(0));
        return given(context, context.daemon().delete(names(context) + "/" + host), " is no longer assigned to app ");
    }

    private static int given(CommandContext context, Json answer, String what) {
        if (context.json()) {
            context.print(answer);
        } else {
            context.console()
                    .line(answer.at("hostname").text()
                            + what
                            + answer.at("app_name").text());
        }
        return ExitCode.DONE;
    }

    private static int remove(CommandContext context) {
        String host = context.given().required(0);
        context.daemon().delete(path(context) + "/" + DaemonClient.encode(host));
        if (context.json()) {
            context.print(Json.obj("ok", true, "hostname", host));
        } else {
            context.console().line("the certificate for " + host + " is gone");
        }
        return ExitCode.DONE;
    }
}
