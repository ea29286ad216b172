package org.allod.cli;

import java.util.List;

/** {@code allod help}. */
final class HelpCommands {
    private HelpCommands() {}

    static CommandNode help() {
        return new CommandNode.Command("help", "say more of a command, with an example", HelpCommands::help)
                .mayTakeMany("COMMAND", CommandNode.Kind.COMMAND, "its words, such as: machine run")
                .example("allod help machine run");
    }

    private static int help(CommandContext context) {
        List<String> words = context.given().rest(0);
        ResolvedCommand resolved = ResolvedCommand.from(words);
        if (!resolved.rest().isEmpty()) {
            throw Main.unknownWord(resolved);
        }
        context.console()
                .print(
                        switch (resolved.node()) {
                            case CommandNode.Command command ->
                                Help.of(PicocliAdapter.of(resolved.path(), command), context.console());
                            case CommandNode.Branch branch -> Help.of(resolved.path(), branch, context.console());
                        });
        return ExitCode.DONE;
    }
}
