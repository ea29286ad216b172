package org.allod.cli;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** {@code allod completion bash}, and the queries that its script makes while the user types. */
final class CompletionCommands {
    private CompletionCommands() {}

    static List<CommandNode> all() {
        return List.of(new CommandNode.Branch(
                "completion",
                "completion for shells",
                () -> List.of(new CommandNode.Command(
                                "bash", "print the completion script for bash", CompletionCommands::bash)
                        .mayTakeMany("names…", CommandNode.Kind.WORD, "used by the script itself: what to list")
                        .more("Names of machines, apps and images are asked of the daemon when they are wanted.")
                        .example("source <(allod completion bash)"))));
    }

    private static int bash(CommandContext context) {
        List<String> asked = context.given().rest(0);
        if (asked.isEmpty()) {
            context.console().out().print(BashCompletion.script(CommandTree.ROOT));
        } else {
            names(context, asked.getFirst()).forEach(context.console()::line);
        }
        return ExitCode.DONE;
    }

    /** Completion must never disturb the shell: without a daemon it offers no names. */
    private static List<String> names(CommandContext context, String kind) {
        try {
            DaemonClient daemon = context.daemon();
            return switch (kind) {
                case "machine" ->
                    MachineRef.all(daemon, Optional.empty()).stream()
                            .flatMap(m -> Stream.of(m.name(), m.id()))
                            .distinct()
                            .toList();
                case "volume" -> VolumeCommands.names(daemon);
                case "app" -> texts(daemon.get("/v1/apps?org_slug=personal").at("apps"), "name");
                case "image" -> texts(daemon.get("/v1/host/images").at("images"), "reference");
                case "run" ->
                    texts(daemon.get("/v1/host/runs?active=true&limit=100").at("runs"), "id");
                default -> List.of();
            };
        } catch (DaemonUnreachableException | ApiError e) {
            return List.of();
        }
    }

    private static List<String> texts(Json list, String field) {
        return list.items().stream().map(item -> item.at(field).text()).toList();
    }
}
