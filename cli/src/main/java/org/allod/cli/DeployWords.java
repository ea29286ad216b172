package org.allod.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.Rejected;

/** {@code allod deploy …}: brings an app to what a file says. The daemon does it; this asks, and shows how it goes. */
final class DeployWords {
    private DeployWords() {}

    static Word.Command word() {
        return new Word.Command("deploy", "bring an app's machines to a new version, or back", DeployWords::deploy)
                .below(DeployWords::below)
                .mayTake("DIR", Word.Kind.FILE, "the folder with allod.toml or fly.toml, or such a file (here)")
                .option("--config -c", "FILE", Word.Kind.FILE, "the configuration file")
                .option("--app -a", "NAME", Word.Kind.APP, "the app, over what the file says")
                .option("--image -i", "REF", Word.Kind.IMAGE, "the image, over what the file says")
                .choice("--strategy", List.of("rolling", "immediate", "canary", "bluegreen"), "how (rolling)")
                .flag("--detach", "return once the daemon has taken it over")
                .more("The daemon carries the deploy out, and back where a machine does not start or pass its checks;"
                        + " it goes on whatever becomes of this command. Exit code 0: every machine is at the new"
                        + " version; 1: every machine is what it was before; 4: refused, such as while another deploy"
                        + " runs. Below it: `allod deploy list`, `show`, `cancel`, `rollback`.")
                .example("allod deploy")
                .example("allod deploy ./shop --image registry.example/shop:2 --strategy bluegreen");
    }

    private static List<Word> below() {
        return List.of(
                of(new Word.Command("list", "list an app's deploys, youngest first", DeployWords::list))
                        .example("allod deploy list --app shop"),
                of(new Word.Command("show", "show a deploy and where its machines are", DeployWords::show))
                        .mayTake("DEPLOY", Word.Kind.WORD, "its number or id (the last)")
                        .flag("--follow -f", "until it is over")
                        .example("allod deploy show --follow --app shop"),
                of(new Word.Command("cancel", "take back a deploy that is under way", DeployWords::cancel))
                        .mayTake("DEPLOY", Word.Kind.WORD, "its number or id (the last)")
                        .flag("--detach", "return at once")
                        .example("allod deploy cancel --app shop"),
                of(new Word.Command("rollback", "deploy again what an earlier deploy did", DeployWords::rollback))
                        .mayTake("DEPLOY", Word.Kind.WORD, "its number or id (the one before what is there now)")
                        .flag("--detach", "return once the daemon has taken it over")
                        .example("allod deploy rollback --app shop 3"));
    }

    private static Word.Command of(Word.Command command) {
        return command.option("--app -a", "NAME", Word.Kind.APP, "the app (what allod.toml or fly.toml here says)");
    }

    private static int deploy(Session session) {
        Given given = session.given();
        Path folder = Path.of(given.mayTake(0).orElse("."));
        Path file = DeployFile.mustFind(folder, given.option("--config"));
        Path beside = Optional.ofNullable(file.getParent()).orElse(Path.of("."));
        DeployPlan plan = DeployPlan.of(
                DeployFile.read(file, warning -> session.screen().note("allod: " + warning)),
                beside,
                new DeployPlan.Over(given.option("--app"), given.option("--image"), given.option("--strategy")));
        Daemon daemon = session.daemon();
        return follow(
                session,
                daemon,
                plan.app(),
                () -> RunMachine.inApp(daemon, plan.app(), () -> {
                    leftAlone(session, daemon, plan.app());
                    return daemon.post(path(plan.app()), plan.request());
                }));
    }

    /** Machines of the app that no deploy made are nobody's to replace; but they go on serving what they serve. */
    private static void leftAlone(Session session, Daemon daemon, String app) {
        List<String> names = daemon.get("/v1/apps/" + Daemon.encode(app) + "/machines").items().stream()
                .filter(m ->
                        m.at("config", "metadata", "fly_process_group").text().isEmpty())
                .filter(m -> m.at("config", "metadata", "allod_release").text().isEmpty())
                .map(m -> m.at("name").text())
                .toList();
        if (!names.isEmpty()) {
            session.screen()
                    .note("allod: not made by a deploy and left alone: " + String.join(", ", names)
                            + "; `allod machine destroy` removes what is no longer wanted");
        }
    }

    /** Has the daemon begin, and shows how it goes, unless that is not wanted. */
    private static int follow(Session session, Daemon daemon, String app, Supplier<Json> begin) {
        if (session.given().flag("--detach")) {
            Json begun = begin.get();
            if (session.json()) {
                session.print(begun);
            } else {
                session.screen()
                        .line(title(begun) + " is under way; `allod deploy show -f --app " + app + "` follows it");
            }
            return ExitCode.DONE;
        }
        return DeployFollower.follow(session, daemon, app, begin, true);
    }

    private static int list(Session session) {
        Json answer = session.daemon().get(path(app(session)));
        if (session.json()) {
            session.print(answer);
            return ExitCode.DONE;
        }
        if (answer.at("deploys").items().isEmpty()) {
            session.screen().note("no deploys yet; `allod deploy` makes one");
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
                    MachineWords.age(session, deploy.at("created_at").text()),
                    String.join(" ", images),
                    clipped(deploy.at("why").text()));
        }
        table.print(session.screen());
        return ExitCode.DONE;
    }

    /** A digest is for machines to compare; its beginning is for people. */
    static String image(String pinned) {
        int at = pinned.indexOf("@sha256:");
        return at < 0 || pinned.length() < at + 16
                ? pinned
                : pinned.substring(0, at) + "@" + pinned.substring(at + 8, at + 16);
    }

    private static String clipped(String why) {
        return why.length() <= 60 ? why : why.substring(0, 57) + "...";
    }

    private static int show(Session session) {
        Daemon daemon = session.daemon();
        String app = app(session);
        Json deploy = one(session, daemon, app);
        if (session.given().flag("--follow")) {
            return DeployFollower.follow(session, daemon, app, () -> deploy, false);
        }
        if (session.json()) {
            session.print(deploy);
            return ExitCode.DONE;
        }
        Screen screen = session.screen();
        screen.line(title(deploy) + ": " + screen.state(deploy.at("status").text()));
        for (String name : List.of("id", "strategy", "source", "created_at", "ended_at", "why")) {
            if (!deploy.at(name).text().isEmpty()) {
                screen.line(screen.dim(name + " ".repeat(12 - name.length()))
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
            table.print(screen);
        }
        return ExitCode.DONE;
    }

    private static int cancel(Session session) {
        Daemon daemon = session.daemon();
        String app = app(session);
        Json deploy = one(session, daemon, app);
        Json cancelled = daemon.post(
                path(app) + "/" + deploy.at("id").text() + "/cancel", Json.obj("cause", "cancelled by the operator"));
        if (session.given().flag("--detach")) {
            return follow(session, daemon, app, () -> cancelled);
        }
        Json end = DeployFollower.watch(session, daemon, app, cancelled);
        if (session.json()) {
            session.print(end);
        } else {
            session.screen().line(title(end) + " is " + end.at("status").text().replace('_', ' '));
        }
        // Taken back is what was asked for.
        return end.at("status").text().equals("rolled_back") ? ExitCode.DONE : ExitCode.FAILED;
    }

    private static int rollback(Session session) {
        Daemon daemon = session.daemon();
        String app = app(session);
        Json to = session.given()
                .mayTake(0)
                .map(which -> Json.obj("to", one(session, daemon, app).at("id").text()))
                .orElse(Json.obj());
        return follow(session, daemon, app, () -> daemon.post(path(app) + "/rollback", to));
    }

    /** The deploy that is named, or the last. */
    private static Json one(Session session, Daemon daemon, String app) {
        Optional<String> which = session.given().mayTake(0);
        if (which.isPresent()) {
            return daemon.get(path(app) + "/" + Daemon.encode(which.get()));
        }
        Json last = daemon.get(path(app)).at("deploys").items().stream()
                .findFirst()
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.NOT_FOUND, "app " + app + " has no deploys", "`allod deploy` makes one"));
        return daemon.get(path(app) + "/" + last.at("id").text());
    }

    private static String app(Session session) {
        return session.given()
                .option("--app")
                .or(() -> DeployFile.find(Path.of("."), Optional.empty())
                        .flatMap(file -> DeployFile.read(file, warning -> {}).text("app")))
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.INVALID,
                        "no app is named, and there is no allod.toml or fly.toml here that names one",
                        "add --app NAME"));
    }

    static String title(Json deploy) {
        return "deploy " + deploy.at("number").text() + " of "
                + deploy.at("app").text();
    }

    static String path(String app) {
        return "/v1/apps/" + Daemon.encode(app) + "/deploys";
    }

    /** The address the app is reached at, where one of its machines serves. */
    static Optional<String> url(Daemon daemon, String app) {
        boolean serves = daemon.get("/v1/apps/" + Daemon.encode(app) + "/machines").items().stream()
                .anyMatch(m -> !m.at("config", "services").items().isEmpty());
        return serves ? Optional.of(RunMachine.url(daemon, app)) : Optional.empty();
    }

    /** How many machines are in which phase, for the summary. */
    static long serving(Json deploy) {
        return deploy.at("machines").items().stream()
                .map(m -> m.at("phase").text())
                .filter("serving"::equals)
                .count();
    }
}
