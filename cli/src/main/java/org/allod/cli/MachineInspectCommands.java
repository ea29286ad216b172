package org.allod.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;

/** {@code allod machine wait}, {@code ps}, {@code lease} and {@code metadata}: mostly for programs. */
final class MachineInspectCommands {
    private static final String NONCE = "fly-machine-lease-nonce";

    private MachineInspectCommands() {}

    static List<CommandNode> all() {
        return List.of(
                MachineCommands.one("wait", "wait until a machine is in a state", MachineInspectCommands::await)
                        .option("--state -s", "STATE", "started (the usual), stopped, suspended, destroyed, settled, …")
                        .number("--timeout", "SECONDS", "how long, at most 60 (60)")
                        .example("allod machine wait hello-1 --state settled"),
                MachineCommands.one("ps", "list the processes inside a machine", MachineInspectCommands::processes)
                        .option("--sort", "COLUMN", "pid (the usual), cpu, rss, command, directory, stime, rtime")
                        .example("allod machine ps hello-1 --sort rss"),
                MachineCommands.one(
                                "lease",
                                "show the lease of a machine; take, refresh or end one",
                                MachineInspectCommands::lease)
                        .number("--ttl", "SECONDS", "take a lease for this long, or with --nonce refresh it")
                        .option("--nonce", "NONCE", "of the lease to refresh or release")
                        .flag("--release", "end the lease before its time")
                        .more("While it holds, only who shows the nonce can change the machine through the API.")
                        .example("allod machine lease hello-1 --ttl 60")
                        .example("allod machine lease hello-1 --release --nonce 0123456789abcdef"),
                MachineCommands.one(
                                "metadata",
                                "show a machine's metadata, or set keys of it",
                                MachineInspectCommands::metadata)
                        .mayTakeMany("K=V", CommandNode.Kind.WORD, "a key to set; K= removes it")
                        .example("allod machine metadata hello-1 role=web zone="));
    }

    private static int await(CommandContext context) {
        ParsedArgs args = context.given();
        MachineRef machine = MachineRef.one(context.daemon(), args.required(0));
        int seconds = args.number("--timeout", 1).orElse(60);
        String query = "?timeout=" + seconds + "&state="
                + DaemonClient.encode(args.option("--state").orElse("started"));
        Json seen = context.daemon()
                .call("GET", machine.path() + "/wait" + query, Json.none(), Duration.ofSeconds(seconds + 10L));
        if (context.json()) {
            context.print(seen);
        } else {
            context.console().line(machine.name() + " is " + seen.at("state").text());
        }
        return ExitCode.DONE;
    }

    private static int processes(CommandContext context) {
        MachineRef machine = MachineRef.one(context.daemon(), context.given().required(0));
        String query = context.given()
                .option("--sort")
                .map(s -> "?sort_by=" + DaemonClient.encode(s))
                .orElse("");
        Json list = context.daemon().get(machine.path() + "/ps" + query);
        if (context.json()) {
            context.print(list);
            return ExitCode.DONE;
        }
        Table table = new Table("pid", "cpu", "memory", "runs for", "listens on", "command");
        for (Json process : list.items()) {
            table.row(
                    process.at("pid").text(),
                    process.at("cpu").text() + "%",
                    ImageTask.size(process.at("rss").number(0)),
                    process.at("rtime").text() + "s",
                    String.join(
                            " ",
                            process.at("listen_sockets").items().stream()
                                    .map(s -> s.at("proto").text() + " "
                                            + s.at("address").text())
                                    .toList()),
                    process.at("command").text());
        }
        table.print(context.console());
        return ExitCode.DONE;
    }

    private static int lease(CommandContext context) {
        ParsedArgs args = context.given();
        MachineRef machine = MachineRef.one(context.daemon(), args.required(0));
        Map<String, String> headers =
                args.option("--nonce").map(n -> Map.of(NONCE, n)).orElse(Map.of());
        Optional<Integer> ttl = args.number("--ttl", 1);
        String path = machine.path() + "/lease";
        if (args.flag("--release")) {
            if (headers.isEmpty()) {
                throw RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "--release wants the lease's nonce",
                        "`allod machine lease MACHINE --json` shows it");
            }
            context.daemon().call("DELETE", path, headers, Json.none(), DaemonClient.PROMPT);
            context.console().note("the lease of " + machine.name() + " has ended");
            return ExitCode.DONE;
        }
        Json lease = (ttl.isPresent()
                        ? context.daemon()
                                .call("POST", path + "?ttl=" + ttl.get(), headers, Json.none(), DaemonClient.PROMPT)
                        : context.daemon().get(path))
                .at("data");
        if (context.json()) {
            context.print(lease);
        } else {
            context.console()
                    .line("nonce " + lease.at("nonce").text() + ", of "
                            + lease.at("owner").text() + ", until "
                            + java.time.Instant.ofEpochSecond(
                                    lease.at("expires_at").number(0)));
        }
        return ExitCode.DONE;
    }

    private static int metadata(CommandContext context) {
        MachineRef machine = MachineRef.one(context.daemon(), context.given().required(0));
        String path = machine.path() + "/metadata";
        List<String> pairs = context.given().rest(1);
        if (!pairs.isEmpty()) {
            Map<String, String> keys = new LinkedHashMap<>();
            for (String pair : pairs) {
                int eq = pair.indexOf('=');
                if (eq < 1) {
                    throw RejectedException.because(
                            RejectedException.Reason.INVALID,
                            pair + " is not a key with a value",
                            "write it as K=V, or K=");
                }
                keys.put(pair.substring(0, eq), pair.substring(eq + 1));
            }
            context.daemon().call("PATCH", path, Json.obj("metadata", keys), DaemonClient.PROMPT);
        }
        Json all = context.daemon().get(path);
        if (context.json()) {
            context.print(all);
        } else {
            all.map().forEach((key, value) -> context.console().line(key + "=" + value.text()));
        }
        return ExitCode.DONE;
    }
}
