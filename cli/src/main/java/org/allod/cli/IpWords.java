package org.allod.cli;

import java.util.List;

/** {@code allod ips …}: the addresses an app is reached at. */
final class IpWords {
    private IpWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("allocate", "assign an address of this host to an app", IpWords::allocate)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app")
                        .choice("--type", List.of("shared_v4", "shared_v6"), "of which kind (shared_v4)")
                        .example("allod ips allocate --app shop"),
                new Word.Command("list", "list an app's addresses", IpWords::list)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app")
                        .example("allod ips list --app shop"),
                new Word.Command("release", "take an address back", IpWords::release)
                        .option("--app -a", "NAME", Word.Kind.APP, "the app")
                        .takes("IP", Word.Kind.WORD, "the address")
                        .example("allod ips release 192.0.2.7 --app shop"));
    }

    private static String path(Session session) {
        return "/v1/apps/" + Daemon.encode(SecretWords.app(session.given())) + "/ip_assignments";
    }

    private static int allocate(Session session) {
        Json answer = session.daemon()
                .post(
                        path(session),
                        Json.obj("type", session.given().option("--type").orElse("shared_v4")));
        if (session.json()) {
            session.print(answer);
        } else {
            session.screen().line(answer.at("ip").text());
        }
        return ExitCode.DONE;
    }

    private static int list(Session session) {
        Json answer = session.daemon().get(path(session));
        if (session.json()) {
            session.print(answer);
            return ExitCode.DONE;
        }
        Table table = new Table("ip", "shared", "created");
        for (Json one : answer.at("ips").items()) {
            table.row(
                    one.at("ip").text(),
                    one.at("shared").text(),
                    one.at("created_at").text());
        }
        table.print(session.screen());
        return ExitCode.DONE;
    }

    private static int release(Session session) {
        String ip = session.given().take(0);
        session.daemon().delete(path(session) + "/" + Daemon.encode(ip));
        if (session.json()) {
            session.print(Json.obj("ok", true, "ip", ip));
        } else {
            session.screen().line(ip + " is no longer the app's");
        }
        return ExitCode.DONE;
    }
}
