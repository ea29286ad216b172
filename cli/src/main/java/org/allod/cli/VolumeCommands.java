package org.allod.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;

/** {@code allod volume …} */
final class VolumeCommands {
    private static final String WHICH = "its id, its name, APP/NAME, or the unique beginning of an id";
    /** Allows for copying a large disk on a file system that cannot share blocks. */
    private static final Duration COPY = Duration.ofMinutes(2);

    private VolumeCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command("create", "make an empty volume", VolumeCommands::create)
                        .takes("NAME", CommandNode.Kind.WORD, "small letters, digits and underscores, at most 30")
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app it belongs to")
                        .number("--size -s", "GB", "its size (1)")
                        .flag("--encrypted", "unreadable on the host's disk without its key")
                        .flag("--no-backup", "take no daily snapshots of it")
                        .number("--retention", "DAYS", "how long its snapshots are kept (5)")
                        .example("allod volume create data --app shop --size 10"),
                new CommandNode.Command("list", "list volumes", VolumeCommands::list)
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "only this app's")
                        .flag("--deleted", "also those deleted lately, whose snapshots may still be there")
                        .example("allod volume list --app shop"),
                one("show", "show a volume: what has it, what is in it", VolumeCommands::show)
                        .example("allod volume show data"),
                one("update", "change how a volume's snapshots are taken and kept", VolumeCommands::update)
                        .choice("--backup", List.of("on", "off"), "a snapshot of it each day")
                        .number("--retention", "DAYS", "how long snapshots taken from now on are kept, 1 to 60")
                        .example("allod volume update data --retention 14"),
                one("extend", "make a volume larger, in use as it is", VolumeCommands::extend)
                        .number("--size -s", "GB", "its new size")
                        .example("allod volume extend data --size 20"),
                one("snapshot", "keep a volume as it is now", VolumeCommands::snapshot)
                        .example("allod volume snapshot data"),
                one("snapshots", "list a volume's snapshots", VolumeCommands::snapshots)
                        .example("allod volume snapshots data --json"),
                one("fork", "make a new volume with what another holds now", VolumeCommands::fork)
                        .option("--name", "NAME", "of the new one (the same)")
                        .number("--size -s", "GB", "its size (the same)")
                        .example("allod volume fork data --name data_copy"),
                new CommandNode.Command("restore", "make a new volume from a snapshot", VolumeCommands::restore)
                        .takes("SNAPSHOT", CommandNode.Kind.WORD, "its id, vs_ and so on")
                        .takes("NAME", CommandNode.Kind.WORD, "what to call the new volume")
                        .option("--app -a", "NAME", CommandNode.Kind.APP, "the app of the snapshot")
                        .number("--size -s", "GB", "its size (the same)")
                        .example("allod volume restore vs_4k2m0q9x7c1b8d3f data_then --app shop"),
                new CommandNode.Command(
                                "destroy",
                                "delete volumes; their snapshots stay for their time",
                                VolumeCommands::destroy)
                        .takesMany("VOLUME", CommandNode.Kind.VOLUME, WHICH)
                        .example("allod volume destroy data_copy"));
    }

    private static CommandNode.Command one(String name, String summary, CommandNode.Action action) {
        return new CommandNode.Command(name, summary, action).takes("VOLUME", CommandNode.Kind.VOLUME, WHICH);
    }

    /** Names and ids, for completion. */
    static List<String> names(DaemonClient daemon) {
        List<String> names = new ArrayList<>();
        VolumeRef.all(daemon, Optional.empty(), false).forEach(v -> names.addAll(List.of(v.name(), v.id())));
        return names.stream().distinct().toList();
    }

    private static VolumeRef found(CommandContext context) {
        return VolumeRef.one(context.daemon(), context.given().required(0));
    }

    private static String app(CommandContext context) {
        return context.given()
                .option("--app")
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID, "--app is missing", "name the app the volume belongs to"));
    }

    private static int create(CommandContext context) {
        ParsedArgs args = context.given();
        String app = app(context);
        Json request = Json.obj(
                "name", args.required(0),
                "size_gb", args.number("--size", 1).orElse(1),
                "encrypted", args.flag("--encrypted") ? true : null,
                "auto_backup_enabled", args.flag("--no-backup") ? false : null,
                "snapshot_retention", args.number("--retention", 1).orElse(null));
        return MachineRunCommand.inApp(context.daemon(), app, () -> made(context, app, request));
    }

    private static int update(CommandContext context) {
        ParsedArgs args = context.given();
        Optional<String> backup = args.option("--backup");
        Optional<Integer> retention = args.number("--retention", 1);
        if (backup.isEmpty() && retention.isEmpty()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "nothing to change was named",
                    "say --backup or --retention, or both");
        }
        VolumeRef found = found(context);
        Json now = context.daemon()
                .call(
                        "PUT",
                        found.path(),
                        Json.obj(
                                "auto_backup_enabled",
                                backup.map("on"::equalsIgnoreCase).orElse(null),
                                "snapshot_retention",
                                retention.orElse(null)),
                        DaemonClient.PROMPT);
        return told(context, now, "volume " + found.name() + ": snapshots " + kept(now));
    }

    private static String kept(Json volume) {
        return (volume.at("auto_backup_enabled").isTrue() ? "daily" : "none by themselves") + ", kept "
                + volume.at("snapshot_retention").text() + " days";
    }

    private static int fork(CommandContext context) {
        VolumeRef source = found(context);
        return made(
                context,
                source.app(),
                Json.obj(
                        "name", context.given().option("--name").orElse(source.name()),
                        "size_gb", context.given().number("--size", 1).orElse(null),
                        "source_volume_id", source.id()));
    }

    private static int restore(CommandContext context) {
        return made(
                context,
                app(context),
                Json.obj(
                        "name", context.given().required(1),
                        "size_gb", context.given().number("--size", 1).orElse(null),
                        "snapshot_id", context.given().required(0)));
    }

    private static int made(CommandContext context, String app, Json request) {
        Json made = context.daemon().call("POST", VolumeRef.path(app), request, COPY);
        return told(
                context,
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

    private static int told(CommandContext context, Json answer, String line) {
        if (context.json()) {
            context.print(answer);
        } else {
            context.console().line(line);
        }
        return ExitCode.DONE;
    }

    private static int list(CommandContext context) {
        List<VolumeRef> volumes = VolumeRef.all(
                context.daemon(),
                context.given().option("--app"),
                context.given().flag("--deleted"));
        if (context.json()) {
            context.print(Json.of(volumes.stream().map(VolumeRef::withApp).toList()));
            return ExitCode.DONE;
        }
        if (volumes.isEmpty()) {
            context.console().note("no volumes yet; `allod volume create NAME --app APP --size GB` makes one");
            return ExitCode.DONE;
        }
        Table table = new Table("app", "name", "id", "state", "size", "machine", "encrypted", "age");
        for (VolumeRef found : volumes) {
            Json v = found.volume();
            table.row(
                    found.app(),
                    found.name(),
                    found.id(),
                    v.at("state").text(),
                    v.at("size_gb").text() + " GB",
                    v.at("attached_machine_id").text(),
                    v.at("encrypted").isTrue() ? "yes" : "no",
                    age(context, v.at("created_at").text()));
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    private static String age(CommandContext context, String created) {
        long seconds = Math.max(
                0,
                Duration.between(Instant.parse(created), context.clock().wall()).toSeconds());
        return seconds < 120
                ? seconds + "s"
                : seconds < 7_200
                        ? seconds / 60 + "m"
                        : seconds < 172_800 ? seconds / 3_600 + "h" : seconds / 86_400 + "d";
    }

    private static int show(CommandContext context) {
        VolumeRef found =
                VolumeRef.oneLivingOrNot(context.daemon(), context.given().required(0));
        Json v = context.daemon().get(found.path());
        if (context.json()) {
            context.print(v);
            return ExitCode.DONE;
        }
        Console console = context.console();
        field(console, "volume", found.name() + "  " + console.dim(found.id()));
        field(console, "app", found.app());
        field(console, "state", console.state(v.at("state").text()));
        field(console, "machine", v.at("attached_machine_id").text("none"));
        field(
                console,
                "size",
                v.at("size_gb").text() + " GB, "
                        + ImageTask.size(v.at("bytes_used").number(0)) + " used of "
                        + ImageTask.size(v.at("bytes_total").number(0)));
        field(console, "encrypted", v.at("encrypted").isTrue() ? "yes" : "no");
        field(console, "snapshots", kept(v));
        field(console, "made", v.at("created_at").text() + copied(v));
        return ExitCode.DONE;
    }

    private static void field(Console console, String name, String value) {
        console.line(console.dim(name + " ".repeat(Math.max(1, 11 - name.length()))) + value);
    }

    private static int extend(CommandContext context) {
        int size = context.given()
                .number("--size", 1)
                .orElseThrow(
                        () -> RejectedException.invalid("--size is missing: how large the volume is to be, in GB"));
        VolumeRef found = found(context);
        Json answer = context.daemon().call("PUT", found.path() + "/extend", Json.obj("size_gb", size), COPY);
        return told(
                context,
                answer,
                "volume " + found.name() + " has " + size + " GB"
                        + (answer.at("needs_restart").isTrue() ? "; restart its machine for it to see them" : ""));
    }

    private static int snapshot(CommandContext context) {
        VolumeRef found = found(context);
        Json made = context.daemon().call("POST", found.path() + "/snapshots", Json.none(), COPY);
        return told(
                context,
                made,
                "snapshot " + made.at("id").text() + " of " + found.name() + " is "
                        + made.at("status").text() + " ("
                        + made.at("copied", "consistency").text() + ")");
    }

    private static int snapshots(CommandContext context) {
        VolumeRef found =
                VolumeRef.oneLivingOrNot(context.daemon(), context.given().required(0));
        Json list = context.daemon().get(found.path() + "/snapshots");
        if (context.json()) {
            context.print(list);
            return ExitCode.DONE;
        }
        if (list.items().isEmpty()) {
            context.console().note("no snapshots yet; `allod volume snapshot " + found.name() + "` takes one");
            return ExitCode.DONE;
        }
        Table table = new Table("id", "status", "size", "kept", "consistency", "age");
        for (Json s : list.items()) {
            table.row(
                    s.at("id").text(),
                    s.at("status").text(),
                    ImageTask.size(s.at("size").number(0)),
                    s.at("retention_days").text() + "d",
                    s.at("copied", "consistency").text(),
                    age(context, s.at("created_at").text()));
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    private static int destroy(CommandContext context) {
        List<Json> gone = new ArrayList<>();
        // Resolves all volumes before the first is changed.
        List<VolumeRef> all = VolumeRef.all(context.daemon(), Optional.empty(), false);
        List<VolumeRef> chosen = context.given().rest(0).stream()
                .map(typed -> VolumeRef.one(all, typed))
                .distinct()
                .toList();
        for (VolumeRef found : chosen) {
            gone.add(context.daemon().call("DELETE", found.path(), Json.none(), COPY));
            if (!context.json()) {
                context.console().line("volume " + found.name() + " (" + found.id() + ") is gone");
            }
        }
        if (context.json()) {
            context.print(Json.of(gone));
        }
        return ExitCode.DONE;
    }
}
