package org.allod.cli;

import java.time.Duration;
import java.util.List;
import org.allod.base.Rejected;

/** {@code allod app …} */
final class AppWords {
    /** For one machine: its connections are drained, its processes killed, its mounts taken away. */
    private static final int GONE_SECONDS = 120;

    /** For all of its volumes, too. */
    private static final Duration GONE = Duration.ofMinutes(5);

    private AppWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("create", "make an app", AppWords::create)
                        .takes("NAME", Word.Kind.WORD, "lower-case letters, digits and hyphens; becomes NAME.localhost")
                        .example("allod app create hello"),
                new Word.Command("list", "list the apps", AppWords::list).example("allod app list --json"),
                new Word.Command("destroy", "destroy an app and its machines", AppWords::destroy)
                        .takes("NAME", Word.Kind.APP, "the app")
                        .flag("--force", "also where it has machines and volumes: they are destroyed first")
                        .example("allod app destroy hello --force"));
    }

    private static int create(Session session) {
        String name = session.given().take(0);
        Json app = session.daemon().post("/v1/apps", Json.obj("app_name", name, "name", name, "org_slug", "personal"));
        if (session.json()) {
            session.print(app);
        } else {
            session.screen().line("app " + name + " is there");
        }
        return ExitCode.DONE;
    }

    private static int list(Session session) {
        Json answer = session.daemon().get("/v1/apps?org_slug=personal");
        if (session.json()) {
            session.print(answer);
            return ExitCode.DONE;
        }
        if (answer.at("apps").items().isEmpty()) {
            session.screen().note("no apps yet; `allod machine run IMAGE --app NAME` makes one");
            return ExitCode.DONE;
        }
        Table table = new Table("name", "machines", "network");
        for (Json app : answer.at("apps").items()) {
            table.row(
                    app.at("name").text(),
                    app.at("machine_count").text(),
                    app.at("network").text());
        }
        table.print(session.screen());
        return ExitCode.DONE;
    }

    private static int destroy(Session session) {
        String name = session.given().take(0);
        String path = "/v1/apps/" + Daemon.encode(name);
        Daemon daemon = session.daemon();
        List<Json> machines = daemon.get(path + "/machines").items();
        int volumes = (int) daemon.get(path).at("volume_count").number(0);
        if ((!machines.isEmpty() || volumes > 0) && !session.given().flag("--force")) {
            throw Rejected.because(
                    Rejected.Reason.CONFLICT,
                    "app " + name + " has " + has(machines.size(), volumes),
                    "destroy them first, or add --force" + (volumes > 0 ? ": what is in a volume is then lost" : ""));
        }
        for (Json machine : machines) {
            Lifecycle.destroy(daemon, new Found(name, machine), true);
        }
        for (Json machine : machines) {
            Lifecycle.awaitGone(session, daemon, new Found(name, machine), GONE_SECONDS);
        }
        daemon.call("DELETE", path + (session.given().flag("--force") ? "?force=true" : ""), Json.none(), GONE);
        if (session.json()) {
            session.print(Json.obj("ok", true, "app", name, "machines", machines.size()));
        } else {
            session.screen().line("app " + name + " is gone");
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
