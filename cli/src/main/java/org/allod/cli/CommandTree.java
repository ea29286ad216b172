package org.allod.cli;

import java.util.ArrayList;
import java.util.List;

/** All commands, in the order in which help lists them. */
final class CommandTree {
    static final CommandNode.Branch ROOT =
            new CommandNode.Branch("allod", "A cloud on your own servers", CommandTree::root);

    private CommandTree() {}

    private static List<CommandNode> root() {
        List<CommandNode> words = new ArrayList<>();
        words.addAll(LifecycleCommands.all());
        words.add(new CommandNode.Branch("machine", "run machines and look after them", MachineCommands::all));
        words.add(DeployCommands.word());
        words.add(new CommandNode.Branch("volume", "disks that outlive machines", VolumeCommands::all));
        words.add(new CommandNode.Branch("app", "group machines under a name", AppCommands::all));
        words.add(
                new CommandNode.Branch("secrets", "what an app's machines know and nobody else", SecretCommands::all));
        words.add(new CommandNode.Branch("token", "tokens that speak for one app", TokenCommands::all));
        words.add(new CommandNode.Branch("cert", "certificates for host names of your own", CertCommands::all));
        words.add(new CommandNode.Branch("ips", "the addresses an app is reached at", IpCommands::all));
        words.add(new CommandNode.Branch("image", "the images machines run", ImageCommands::all));
        words.add(new CommandNode.Branch("fsm", "the durable runs behind every change", FsmCommands::all));
        words.addAll(HostCommands.all());
        words.addAll(CompletionCommands.all());
        words.add(HelpCommands.help());
        return words;
    }
}
