package org.allod.cli;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Rejected;

/** {@code allod machine wait}, {@code ps}, {@code lease} and {@code metadata}: what programs ask more than people. */
final class MachineExtras {
    private static final String NONCE = "fly-machine-lease-nonce";

    private MachineExtras() {}

    static List<Word> all() {
        return List.of(
                MachineWords.one("wait", "wait until a machine is in a state", MachineExtras::await)
                        .option("--state -s", "STATE", "started (the usual), stopped, suspended, destroyed, settled, …")
                        .number("--timeout", "SECONDS", "how long, at most 60 (60)")
                        .example("allod machine wait hello-1 --state settled"),
                MachineWords.one("ps", "list the processes inside a machine", MachineExtras::processes)
                        .option("--sort", "COLUMN", "pid (the usual), cpu, rss, command, directory, stime, rtime")
                        .example("allod machine ps hello-1 --sort rss"),
                MachineWords.one("lease", "show the lease of a machine; take, refresh or end one", MachineExtras::lease)
                        .number("--ttl", "SECONDS", "take a lease for this long, or with --nonce refresh it")
                        .option("--nonce", "NONCE", "of the lease to refresh or release")
                        .flag("--release", "end the lease before its time")
                        .more("While it holds, only who shows the nonce can change the machine through the API.")
                        .example("allod machine lease hello-1 --ttl 60")
                        .example("allod machine lease hello-1 --release --nonce 0123456789abcdef"),
                MachineWords.one("metadata", "show a machine's metadata, or set keys of it", MachineExtras::metadata)
                        .mayTakeMany("K=V", Word.Kind.WORD, "a key to set; K= removes it")
                        .example("allod machine metadata hello-1 role=web zone="));
    }

    private static int await(Session session) {
        Given given = session.given();
        Found machine = Found.one(session.daemon(), given.take(0));
        int seconds = given.number("--timeout", 1).orElse(60);
        String query = "?timeout=" + seconds + "&state="
                + Daemon.encode(given.option("--state").orElse("started"));
        Json seen = session.daemon()
                .call("GET", machine.path() + "/wait" + query, Json.none(), Duration.ofSeconds(seconds + 10L));
        if (session.json()) {
            session.print(seen);
        } else {
            session.screen().line(machine.name() + " is " + seen.at("state").text());
        }
        return ExitCode.DONE;
    }

    private static int processes(Session session) {
        Found machine = Found.one(session.daemon(), session.given().take(0));
        String query = session.given()
                .option("--sort")
                .map(s -> "?sort_by=" + Daemon.encode(s))
                .orElse("");
        Json list = session.daemon().get(machine.path() + "/ps" + query);
        if (session.json()) {
            session.print(list);
            return ExitCode.DONE;
        }
        Table table = new Table("pid", "cpu", "memory", "runs for", "listens on", "command");
        for (Json process : list.items()) {
            table.row(
                    process.at("pid").text(),
                    process.at("cpu").text() + "%",
                    ImageWork.size(process.at("rss").number(0)),
                    process.at("rtime").text() + "s",
                    String.join(
                            " ",
                            process.at("listen_sockets").items().stream()
                                    .map(s -> s.at("proto").text() + " "
                                            + s.at("address").text())
                                    .toList()),
                    process.at("command").text());
        }
        table.print(session.screen());
        return ExitCode.DONE;
    }

    private static int lease(Session session) {
        Given given = session.given();
        Found machine = Found.one(session.daemon(), given.take(0));
        Map<String, String> headers =
                given.option("--nonce").map(n -> Map.of(NONCE, n)).orElse(Map.of());
        Optional<Integer> ttl = given.number("--ttl", 1);
        String path = machine.path() + "/lease";
        if (given.flag("--release")) {
            if (headers.isEmpty()) {
                throw Rejected.because(
                        Rejected.Reason.INVALID,
                        "--release wants the lease's nonce",
                        "`allod machine lease MACHINE --json` shows it");
            }
            session.daemon().call("DELETE", path, headers, Json.none(), Daemon.PROMPT);
            session.screen().note("the lease of " + machine.name() + " has ended");
            return ExitCode.DONE;
        }
        Json lease = (ttl.isPresent()
                        ? session.daemon().call("POST", path + "?ttl=" + ttl.get(), headers, Json.none(), Daemon.PROMPT)
                        : session.daemon().get(path))
                .at("data");
        if (session.json()) {
            session.print(lease);
        } else {
            session.screen()
                    .line("nonce " + lease.at("nonce").text() + ", of "
                            + lease.at("owner").text() + ", until "
                            + java.time.Instant.ofEpochSecond(
                                    lease.at("expires_at").number(0)));
        }
        return ExitCode.DONE;
    }

    private static int metadata(Session session) {
        Found machine = Found.one(session.daemon(), session.given().take(0));
        String path = machine.path() + "/metadata";
        List<String> pairs = session.given().rest(1);
        if (!pairs.isEmpty()) {
            Map<String, String> keys = new LinkedHashMap<>();
            for (String pair : pairs) {
                int eq = pair.indexOf('=');
                if (eq < 1) {
                    throw Rejected.because(
                            Rejected.Reason.INVALID, pair + " is not a key and its value", "write it as K=V, or K=");
                }
                keys.put(pair.substring(0, eq), pair.substring(eq + 1));
            }
            session.daemon().call("PATCH", path, Json.obj("metadata", keys), Daemon.PROMPT);
        }
        Json all = session.daemon().get(path);
        if (session.json()) {
            session.print(all);
        } else {
            all.map().forEach((key, value) -> session.screen().line(key + "=" + value.text()));
        }
        return ExitCode.DONE;
    }
}
