package org.allod.cli;

import java.util.List;
import org.allod.base.Rejected;

/** The words that bring a host to life and put it to rest. Some are carried out by the launcher, before any Java. */
final class LifeWords {
    private LifeWords() {}

    static List<Word> all() {
        return List.of(
                new Word.Command("up", "start this host's cloud, and a first machine to look at", Up::run)
                        .option("--edge", "ADDR", "where requests for apps come in (127.0.0.1:8080)")
                        .option("--region", "NAME", "the region this host is in (local)")
                        .flag("--no-demo", "start no machine")
                        .more("Installs and builds what is missing first, once. --api is where the API listens"
                                + " (127.0.0.1:4280). Safe to repeat.")
                        .example("allod up")
                        .example("allod up --data /srv/allod --edge 0.0.0.0:80 --no-demo"),
                new Word.Command("down", "stop the daemon; machines go on running", Down::run)
                        .flag("--machines", "stop them too, and leave nothing of them in the kernel")
                        .example("allod down --machines"),
                new Word.Command("setup", "install and build what a host needs, and say why", Setup::run)
                        .flag("--for-tests", "also what only the tests need")
                        .flag("--check", "change nothing, say what is missing")
                        .example("allod setup --check"),
                new Word.Command("host", "be the daemon, in the foreground, as systemd runs it", LifeWords::launcher)
                        .option("--edge", "ADDR", "where requests for apps come in (127.0.0.1:8080)")
                        .option("--region", "NAME", "the region this host is in (local)")
                        .example("allod host --data /var/lib/allod"),
                new Word.Command("test", "run every test; from a clone", LifeWords::launcher)
                        .option("--room", "ROOM", "only one room's, such as fsm, or guest")
                        .mayTakeMany("CLASS", Word.Kind.WORD, "only these test classes of the room, or Class#method")
                        .more(
                                "Options that begin with -D go to Maven. Ends with the line `N passed, N failed, N skipped`.")
                        .example("./allod test --room fsm EngineTest"),
                new Word.Command("soak", "run one random test for long; from a clone", LifeWords::launcher)
                        .option("--seed", "SEED", "begin with this one (a new one)")
                        .option("--minutes", "M", "for how long (10)")
                        .mayTakeMany("NAME", Word.Kind.WORD, "which test (lists them)")
                        .example("./allod soak storm --minutes 60"),
                new Word.Command("bench", "measure, next to what is possible; from a clone", LifeWords::launcher)
                        .mayTakeMany("NAME", Word.Kind.WORD, "which benchmark, and its arguments (lists them)")
                        .example("./allod bench cli"),
                new Word.Command("sim", "run whole fleets under faults, in one thread, from seeds", LifeWords::launcher)
                        .option("--seeds", "N", "how many seeds (20)")
                        .option("--seed", "S", "this one only, with its log")
                        .option("--hosts", "N", "hosts in the fleet (7)")
                        .example("./allod sim --seeds 200 --hosts 12"));
    }

    private static int launcher(Session session) {
        throw Rejected.because(
                Rejected.Reason.UNSUPPORTED,
                "this is done by the launcher, not by the command behind it",
                "start it as `allod host`, `allod test`, `allod soak`, `allod bench` or `allod sim`, with that word first");
    }
}
