package org.allod.cli;

import java.util.ArrayList;
import java.util.List;

/** Every word of the command line, in the order help shows them. */
final class Words {
    static final Word.Branch ROOT = new Word.Branch("allod", "A cloud on your own servers", Words::root);

    private Words() {}

    private static List<Word> root() {
        List<Word> words = new ArrayList<>();
        words.addAll(LifeWords.all());
        words.add(new Word.Branch("machine", "run machines and look after them", MachineWords::all));
        words.add(DeployWords.word());
        words.add(new Word.Branch("volume", "disks that outlive machines", VolumeWords::all));
        words.add(new Word.Branch("app", "group machines under a name", AppWords::all));
        words.add(new Word.Branch("secrets", "what an app's machines know and nobody else", SecretWords::all));
        words.add(new Word.Branch("token", "tokens that speak for one app", TokenWords::all));
        words.add(new Word.Branch("cert", "certificates for host names of your own", CertWords::all));
        words.add(new Word.Branch("ips", "the addresses an app is reached at", IpWords::all));
        words.add(new Word.Branch("image", "the images machines run", ImageWords::all));
        words.add(new Word.Branch("fsm", "the durable runs behind every change", RunWords::all));
        words.addAll(HostWords.all());
        words.addAll(CompletionWords.all());
        words.add(HelpWords.help());
        return words;
    }
}
