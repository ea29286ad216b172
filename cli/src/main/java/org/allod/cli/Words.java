package org.allod.cli;

import java.util.List;

/** Every word of the command line, in the order help shows them. */
final class Words {
    static final Word.Branch ROOT = new Word.Branch("allod", "A cloud on your own servers", Words::root);

    private Words() {}

    private static List<Word> root() {
        return List.of(
                new Word.Branch("machine", "run machines and look after them", MachineWords::all),
                new Word.Branch("app", "group machines under a name", AppWords::all),
                HelpWords.help());
    }
}
