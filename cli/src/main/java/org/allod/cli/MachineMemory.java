package org.allod.cli;

import java.time.Duration;
import java.util.Optional;

/** {@code allod machine memory}: shows or changes a running machine's memory. */
final class MachineMemory {
    /** The daemon waits for a guest that returns memory slowly, and then reports how far it got. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private MachineMemory() {}

    static CommandNode word() {
        return MachineCommands.one(
                        "memory",
                        "show the memory of a machine that runs, limit it or take some back",
                        MachineMemory::run)
                .number("--limit", "MB", "the most it may use from now on, until it stops")
                .number("--reclaim", "MB", "give the host so much back that it can do without now")
                .more("What it is started with is config.guest.memory_mb: `allod machine update --memory`.")
                .example("allod machine memory hello-1")
                .example("allod machine memory hello-1 --limit 128");
    }

    private static int run(CommandContext context) {
        ParsedArgs args = context.given();
        Optional<Integer> limit = args.number("--limit", 1);
        Optional<Integer> amount = args.number("--reclaim", 1);
        String path = MachineRef.one(context.daemon(), args.required(0)).path() + "/memory";
        DaemonClient daemon = context.daemon();
        if (limit.isPresent()) {
            daemon.call("PUT", path, Json.obj("limit_mb", limit.get()), PATIENCE);
        }
        if (amount.isPresent()) {
            Json taken = daemon.call("POST", path + "/reclaim", Json.obj("amount_mb", amount.get()), PATIENCE);
            context.console().note("the host has " + taken.at("actual_mb").number(0) + " MB back");
        }
        Json memory = daemon.get(path);
        if (context.json()) {
            context.print(memory);
            return ExitCode.DONE;
        }
        long has = memory.at("limit_mb").number(0);
        context.console().line(has + " MB, " + memory.at("available_mb").number(0) + " MB of it available");
        if (limit.isPresent() && has > limit.get()) {
            context.console().note("it cannot return more now: it has " + has + " MB, not " + limit.get());
        }
        return ExitCode.DONE;
    }
}
