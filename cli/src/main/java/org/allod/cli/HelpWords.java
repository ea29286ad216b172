package org.allod.cli;

import java.util.List;

/** {@code allod help}. */
final class HelpWords {
    private HelpWords() {}

    static Word help() {
        return new Word.Command("help", "say more of a command, with an example", HelpWords::help)
                .mayTakeMany("COMMAND", Word.Kind.COMMAND, "its words, such as: machine run")
                .example("allod help machine run");
    }

    private static int help(Session session) {
        List<String> words = session.given().rest(0);
        Chosen chosen = Chosen.from(words);
        if (!chosen.rest().isEmpty()) {
            throw Main.unknownWord(chosen);
        }
        session.screen()
                .print(
                        switch (chosen.word()) {
                            case Word.Command command -> Help.of(Grammar.of(chosen.path(), command), session.screen());
                            case Word.Branch branch -> Help.of(chosen.path(), branch, session.screen());
                        });
        return ExitCode.DONE;
    }
}
