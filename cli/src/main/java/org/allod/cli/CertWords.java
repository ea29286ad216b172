package org.allod.cli;

import java.nio.file.Path;
import java.util.List;
import org.allod.base.Rejected;

/** {@code allod cert …}: certificates for host names of an app's own. */
final class CertWords {
    private CertWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("add", "bring a certificate for a host name", CertWords::add)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app that the name leads to")
                        .takes("HOST", Word.Kind.WORD, "the host name, or *.DOMAIN")
                        .option("--chain", "FILE", Word.Kind.FILE, "the certificate and those it was signed by, in PEM")
                        .option("--key", "FILE", Word.Kind.FILE, "its private key, in PEM without a passphrase")
                        .example("allod cert add shop.example.com --app shop --chain fullchain.pem --key privkey.pem"),
                new Word.Command("list", "list an app's certificates", CertWords::list)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app")
                        .example("allod cert list --app shop"),
                new Word.Command("check", "look at a certificate and at the name's DNS now", CertWords::check)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app")
                        .takes("HOST", Word.Kind.WORD, "the host name")
                        .example("allod cert check shop.example.com --app shop"),
                new Word.Command("remove", "delete a certificate and its key", CertWords::remove)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app")
                        .takes("HOST", Word.Kind.WORD, "the host name")
                        .example("allod cert remove shop.example.com --app shop"),
                new Word.Command(
                                "allow", "give a host name to an app, whatever certificate it brings", CertWords::allow)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app")
                        .takes("HOST", Word.Kind.WORD, "the host name, or *.DOMAIN")
                        .more(
                                "For the operator. An app's token can bring a certificate of a trusted authority without it.")
                        .example("allod cert allow shop.example.com --app shop"),
                new Word.Command("disallow", "take back a host name that was given to an app", CertWords::disallow)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app")
                        .takes("HOST", Word.Kind.WORD, "the host name")
                        .example("allod cert disallow shop.example.com --app shop"));
    }

    private static String path(Session session) {
        return "/v1/apps/" + Daemon.encode(SecretWords.app(session.given())) + "/certificates";
    }

    private static String pem(Session session, String option) {
        Path file = Path.of(session.given()
                .option(option)
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.INVALID,
                        option + " is missing",
                        "`allod cert add --help` shows how it is used")));
        return SecretWords.text(option, SecretWords.file(file));
    }

    private static int add(Session session) {
        Json answer = session.daemon()
                .post(
                        path(session) + "/custom",
                        Json.obj(
                                "hostname", session.given().take(0),
                                "fullchain", pem(session, "--chain"),
                                "private_key", pem(session, "--key")));
        return show(session, answer);
    }

    private static int check(Session session) {
        String host = Daemon.encode(session.given().take(0));
        return show(session, session.daemon().post(path(session) + "/" + host + "/check", Json.obj()));
    }

    private static int show(Session session, Json certificate) {
        if (session.json()) {
            session.print(certificate);
            return ExitCode.DONE;
        }
        Screen screen = session.screen();
        screen.line(certificate.at("hostname").text() + " "
                + screen.state(certificate.at("status").text("-")));
        for (Json entry : certificate.at("certificates").items()) {
            screen.line("  from " + entry.at("issuer").text() + ", until "
                    + entry.at("expires_at").text());
        }
        for (Json wrong : certificate.at("validation_errors").items()) {
            screen.line("  " + wrong.at("message").text() + ": "
                    + wrong.at("remediation").text());
        }
        return ExitCode.DONE;
    }

    private static int list(Session session) {
        Json answer = session.daemon().get(path(session) + "?limit=500");
        if (session.json()) {
            session.print(answer);
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
        table.print(session.screen());
        for (Json one : answer.at("allowed_hostnames").items()) {
            session.screen().line(one.text() + " was given to the app by the operator");
        }
        return ExitCode.DONE;
    }

    private static String names(Session session) {
        return "/v1/apps/" + Daemon.encode(SecretWords.app(session.given())) + "/host_names";
    }

    private static int allow(Session session) {
        Json answer = session.daemon()
                .post(names(session), Json.obj("hostname", session.given().take(0)));
        return given(session, answer, " is given to app ");
    }

    private static int disallow(Session session) {
        String host = Daemon.encode(session.given().take(0));
        return given(session, session.daemon().delete(names(session) + "/" + host), " is no longer given to app ");
    }

    private static int given(Session session, Json answer, String what) {
        if (session.json()) {
            session.print(answer);
        } else {
            session.screen()
                    .line(answer.at("hostname").text()
                            + what
                            + answer.at("app_name").text());
        }
        return ExitCode.DONE;
    }

    private static int remove(Session session) {
        String host = session.given().take(0);
        session.daemon().delete(path(session) + "/" + Daemon.encode(host));
        if (session.json()) {
            session.print(Json.obj("ok", true, "hostname", host));
        } else {
            session.screen().line("the certificate for " + host + " is gone");
        }
        return ExitCode.DONE;
    }
}
