package org.allod.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.base.Rejected;

/** {@code allod volume …} */
final class VolumeWords {
    private static final String WHICH = "its id, its name, APP/NAME, or the unique beginning of an id";
    /** Copying a large disk on a file system that shares no blocks. */
    private static final Duration COPY = Duration.ofMinutes(2);

    private VolumeWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("create", "make an empty volume", VolumeWords::create)
                        .takes("NAME", Word.Kind.WORD, "small letters, digits and underscores, at most 30")
                        .option("--app -a", "NAME", Word.Kind.APP, "the app it belongs to")
                        .number("--size -s", "GB", "its size (1)")
                        .flag("--encrypted", "unreadable on the host's disk without its key")
                        .flag("--no-backup", "take no daily snapshots of it")
                        .number("--retention", "DAYS", "how long its snapshots are kept (5)")
                        .example("allod volume create data --app shop --size 10"),
                new Word.Command("list", "list volumes", VolumeWords::list)
                        .option("--app -a", "NAME", Word.Kind.APP, "only this app's")
                        .flag("--deleted", "also those deleted lately, whose snapshots may still be there")
                        .example("allod volume list --app shop"),
                one("show", "show a volume: what has it, what is in it", VolumeWords::show)
                        .example("allod volume show data"),
                one("update", "change how a volume's snapshots are taken and kept", VolumeWords::update)
                        .choice("--backup", List.of("on", "off"), "a snapshot of it each day")
                        .number("--retention", "DAYS", "how long snapshots taken from now on are kept, 1 to 60")
                        .example("allod volume update data --retention 14"),
                one("extend", "make a volume larger, in use as it is", VolumeWords::extend)
                        .number("--size -s", "GB", "its new size")
                        .example("allod volume extend data --size 20"),
                one("snapshot", "keep a volume as it is now", VolumeWords::snapshot)
                        .example("allod volume snapshot data"),
                one("snapshots", "list a volume's snapshots", VolumeWords::snapshots)
                        .example("allod volume snapshots data --json"),
                one("fork", "make a new volume with what another holds now", VolumeWords::fork)
                        .option("--name", "NAME", "of the new one (the same)")
                        .number("--size -s", "GB", "its size (the same)")
                        .example("allod volume fork data --name data_copy"),
                new Word.Command("restore", "make a new volume from a snapshot", VolumeWords::restore)
                        .takes("SNAPSHOT", Word.Kind.WORD, "its id, vs_ and so on")
                        .takes("NAME", Word.Kind.WORD, "what to call the new volume")
                        .option("--app -a", "NAME", Word.Kind.APP, "the app of the snapshot")
                        .number("--size -s", "GB", "its size (the same)")
                        .example("allod volume restore vs_4k2m0q9x7c1b8d3f data_then --app shop"),
                new Word.Command("destroy", "delete volumes; their snapshots stay for their time", VolumeWords::destroy)
                        .takesMany("VOLUME", Word.Kind.VOLUME, WHICH)
                        .example("allod volume destroy data_copy"));
    }

    private static Word.Command one(String name, String summary, Word.Action action) {
        return new Word.Command(name, summary, action).takes("VOLUME", Word.Kind.VOLUME, WHICH);
    }

    /** Names and ids, for completion. */
    static List<String> names(Daemon daemon) {
        List<String> names = new ArrayList<>();
        FoundVolume.all(daemon, Optional.empty(), false).forEach(v -> names.addAll(List.of(v.name(), v.id())));
        return names.stream().distinct().toList();
    }

    private static FoundVolume found(Session session) {
        return FoundVolume.one(session.daemon(), session.given().take(0));
    }

    private static String app(Session session) {
        return session.given()
                .option("--app")
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.INVALID, "--app is missing", "name the app the volume belongs to"));
    }

    private static int create(Session session) {
        Given given = session.given();
        String app = app(session);
        Json request = Json.obj(
                "name", given.take(0),
                "size_gb", given.number("--size", 1).orElse(1),
                "encrypted", given.flag("--encrypted") ? true : null,
                "auto_backup_enabled", given.flag("--no-backup") ? false : null,
                "snapshot_retention", given.number("--retention", 1).orElse(null));
        return RunMachine.inApp(session.daemon(), app, () -> made(session, app, request));
    }

    private static int update(Session session) {
        Given given = session.given();
        Optional<String> backup = given.option("--backup");
        Optional<Integer> retention = given.number("--retention", 1);
        if (backup.isEmpty() && retention.isEmpty()) {
            throw Rejected.because(
                    Rejected.Reason.INVALID, "nothing to change was named", "say --backup or --retention, or both");
        }
        FoundVolume found = found(session);
        Json now = session.daemon()
                .call(
                        "PUT",
                        found.path(),
                        Json.obj(
                                "auto_backup_enabled",
                                backup.map("on"::equalsIgnoreCase).orElse(null),
                                "snapshot_retention",
                                retention.orElse(null)),
                        Daemon.PROMPT);
        return told(session, now, "volume " + found.name() + ": snapshots " + kept(now));
    }

    private static String kept(Json volume) {
        return (volume.at("auto_backup_enabled").isTrue() ? "daily" : "none by themselves") + ", kept "
                + volume.at("snapshot_retention").text() + " days";
    }

    private static int fork(Session session) {
        FoundVolume source = found(session);
        return made(
                session,
                source.app(),
                Json.obj(
                        "name", session.given().option("--name").orElse(source.name()),
                        "size_gb", session.given().number("--size", 1).orElse(null),
                        "source_volume_id", source.id()));
    }

    private static int restore(Session session) {
        return made(
                session,
                app(session),
                Json.obj(
                        "name", session.given().take(1),
                        "size_gb", session.given().number("--size", 1).orElse(null),
                        "snapshot_id", session.given().take(0)));
    }

    private static int made(Session session, String app, Json request) {
        Json made = session.daemon().call("POST", FoundVolume.path(app), request, COPY);
        return told(
                session,
                made,
                "volume " + made.at("name").text() + " (" + made.at("id").text() + ") is "
                        + made.at("state").text() + copied(made));
    }

    private static String copied(Json made) {
        Json copied = made.at("copied");
        return copied.isNull()
                ? ""
                : ", " + (copied.at("method").text().equals("reflink") ? "sharing blocks with " : "copied from ")
                        + copied.at("from").text() + " ("
                        + copied.at("consistency").text() + ")";
    }

    private static int told(Session session, Json answer, String line) {
        if (session.json()) {
            session.print(answer);
        } else {
            session.screen().line(line);
        }
        return ExitCode.DONE;
    }

    private static int list(Session session) {
        List<FoundVolume> volumes = FoundVolume.all(
                session.daemon(),
                session.given().option("--app"),
                session.given().flag("--deleted"));
        if (session.json()) {
            session.print(Json.of(volumes.stream().map(FoundVolume::withApp).toList()));
            return ExitCode.DONE;
        }
        if (volumes.isEmpty()) {
            session.screen().note("no volumes yet; `allod volume create NAME --app APP --size GB` makes one");
            return ExitCode.DONE;
        }
        Table table = new Table("app", "name", "id", "state", "size", "machine", "encrypted", "age");
        for (FoundVolume found : volumes) {
            Json v = found.volume();
            table.row(
                    found.app(),
                    found.name(),
                    found.id(),
                    v.at("state").text(),
                    v.at("size_gb").text() + " GB",
                    v.at("attached_machine_id").text(),
                    v.at("encrypted").isTrue() ? "yes" : "no",
                    age(session, v.at("created_at").text()));
        }
        table.print(session.screen());
        return ExitCode.DONE;
    }

    private static String age(Session session, String created) {
        long seconds = Math.max(
                0,
                Duration.between(Instant.parse(created), session.clock().wall()).toSeconds());
        return seconds < 120
                ? seconds + "s"
                : seconds < 7_200
                        ? seconds / 60 + "m"
                        : seconds < 172_800 ? seconds / 3_600 + "h" : seconds / 86_400 + "d";
    }

    private static int show(Session session) {
        FoundVolume found =
                FoundVolume.oneLivingOrNot(session.daemon(), session.given().take(0));
        Json v = session.daemon().get(found.path());
        if (session.json()) {
            session.print(v);
            return ExitCode.DONE;
        }
        Screen screen = session.screen();
        field(screen, "volume", found.name() + "  " + screen.dim(found.id()));
        field(screen, "app", found.app());
        field(screen, "state", screen.state(v.at("state").text()));
        field(screen, "machine", v.at("attached_machine_id").text("none"));
        field(
                screen,
                "size",
                v.at("size_gb").text() + " GB, "
                        + ImageWork.size(v.at("bytes_used").number(0)) + " used of "
                        + ImageWork.size(v.at("bytes_total").number(0)));
        field(screen, "encrypted", v.at("encrypted").isTrue() ? "yes" : "no");
        field(screen, "snapshots", kept(v));
        field(screen, "made", v.at("created_at").text() + copied(v));
        return ExitCode.DONE;
    }

    private static void field(Screen screen, String name, String value) {
        screen.line(screen.dim(name + " ".repeat(Math.max(1, 11 - name.length()))) + value);
    }

    private static int extend(Session session) {
        int size = session.given()
                .number("--size", 1)
                .orElseThrow(() -> Rejected.invalid("--size is missing: how large the volume is to be, in GB"));
        FoundVolume found = found(session);
        Json answer = session.daemon().call("PUT", found.path() + "/extend", Json.obj("size_gb", size), COPY);
        return told(
                session,
                answer,
                "volume " + found.name() + " has " + size + " GB"
                        + (answer.at("needs_restart").isTrue() ? "; restart its machine for it to see them" : ""));
    }

    private static int snapshot(Session session) {
        FoundVolume found = found(session);
        Json made = session.daemon().call("POST", found.path() + "/snapshots", Json.none(), COPY);
        return told(
                session,
                made,
                "snapshot " + made.at("id").text() + " of " + found.name() + " is "
                        + made.at("status").text() + " ("
                        + made.at("copied", "consistency").text() + ")");
    }

    private static int snapshots(Session session) {
        FoundVolume found =
                FoundVolume.oneLivingOrNot(session.daemon(), session.given().take(0));
        Json list = session.daemon().get(found.path() + "/snapshots");
        if (session.json()) {
            session.print(list);
            return ExitCode.DONE;
        }
        if (list.items().isEmpty()) {
            session.screen().note("no snapshots yet; `allod volume snapshot " + found.name() + "` takes one");
            return ExitCode.DONE;
        }
        Table table = new Table("id", "status", "size", "kept", "consistency", "age");
        for (Json s : list.items()) {
            table.row(
                    s.at("id").text(),
                    s.at("status").text(),
                    ImageWork.size(s.at("size").number(0)),
                    s.at("retention_days").text() + "d",
                    s.at("copied", "consistency").text(),
                    age(session, s.at("created_at").text()));
        }
        table.print(session.screen());
        return ExitCode.DONE;
    }

    private static int destroy(Session session) {
        List<Json> gone = new ArrayList<>();
        // All of them are found before the first is touched.
        List<FoundVolume> all = FoundVolume.all(session.daemon(), Optional.empty(), false);
        List<FoundVolume> chosen = session.given().rest(0).stream()
                .map(typed -> FoundVolume.one(all, typed))
                .distinct()
                .toList();
        for (FoundVolume found : chosen) {
            gone.add(session.daemon().call("DELETE", found.path(), Json.none(), COPY));
            if (!session.json()) {
                session.screen().line("volume " + found.name() + " (" + found.id() + ") is gone");
            }
        }
        if (session.json()) {
            session.print(Json.of(gone));
        }
        return ExitCode.DONE;
    }
}
