package org.allod.cli;

import java.util.List;
import org.allod.base.RejectedException;

/** The commands that start and stop a host. The launcher carries some out before any Java runs. */
final class LifecycleCommands {
    private LifecycleCommands() {}

    static List<CommandNode> all() {
        return List.of(
                new CommandNode.Command("up", "start this host's cloud, and a first machine to look at", UpCommand::run)
                        .option("--edge", "ADDR", "where requests for apps come in (127.0.0.1:8080)")
                        .option("--region", "NAME", "the region this host is in (local)")
                        .flag("--no-demo", "start no machine")
                        .more("Installs and builds what is missing first, once. --api is where the API listens"
                                + " (127.0.0.1:4280). Safe to repeat.")
                        .example("allod up")
                        .example("allod up --data /srv/allod --edge 0.0.0.0:80 --no-demo"),
                new CommandNode.Command("down", "stop the daemon; machines go on running", DownCommand::run)
                        .flag("--machines", "stop them too, and leave nothing of them in the kernel")
                        .example("allod down --machines"),
                new CommandNode.Command("setup", "install and build what a host needs, and say why", SetupCommand::run)
                        .flag("--for-tests", "also what only the tests need")
                        .flag("--check", "change nothing, say what is missing")
                        .example("allod setup --check"),
                new CommandNode.Command(
                                "host",
                                "be the daemon, in the foreground, as systemd runs it",
                                LifecycleCommands::launcher)
                        .option("--edge", "ADDR", "where requests for apps come in (127.0.0.1:8080)")
                        .option("--region", "NAME", "the region this host is in (local)")
                        .example("allod host --data /var/lib/allod"),
                new CommandNode.Command("test", "run every test; from a clone", LifecycleCommands::launcher)
                        .option("--room", "ROOM", "only one room's, such as fsm, or guest")
                        .mayTakeMany(
                                "CLASS", CommandNode.Kind.WORD, "only these test classes of the room, or Class#method")
                        .more(
                                "Options that begin with -D go to Maven. Ends with the line `N passed, N failed, N skipped`.")
                        .example("./allod test --room fsm EngineTest"),
                new CommandNode.Command(
                                "soak", "run one random test for long; from a clone", LifecycleCommands::launcher)
                        .option("--seed", "SEED", "begin with this one (a new one)")
                        .option("--minutes", "M", "for how long (10)")
                        .mayTakeMany("NAME", CommandNode.Kind.WORD, "which test (lists them)")
                        .example("./allod soak storm --minutes 60"),
                new CommandNode.Command(
                                "bench", "measure, next to what is possible; from a clone", LifecycleCommands::launcher)
                        .mayTakeMany("NAME", CommandNode.Kind.WORD, "which benchmark, and its arguments (lists them)")
                        .example("./allod bench cli"),
                new CommandNode.Command(
                                "sim",
                                "run whole fleets under faults, in one thread, from seeds",
                                LifecycleCommands::launcher)
                        .option("--seeds", "N", "how many seeds (20)")
                        .option("--seed", "S", "this one only, with its log")
                        .option("--hosts", "N", "hosts in the fleet (7)")
                        .example("./allod sim --seeds 200 --hosts 12"));
    }

    private static int launcher(CommandContext context) {
        throw RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                "the launcher carries this out, not the command itself",
                "start it as `allod host`, `allod test`, `allod soak`, `allod bench` or `allod sim`, with that word first");
    }
}
