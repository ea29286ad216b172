package org.allod.host;

import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.allod.base.FailedException;
import org.allod.base.FatalErrors;
import org.allod.base.RejectedException;
import org.allod.linux.CoreDumps;
import org.allod.linux.SdNotify;

/** {@code allod host}: the daemon in the foreground. */
public final class HostMain {
    private static final int FAILED = 1;
    private static final int WRONG_USE = 2;
    private static final int REFUSED = 4;

    private HostMain() {}

    public static void main(String[] args) throws InterruptedException {
        if (List.of(args).contains("--help") || List.of(args).contains("-h")) {
            System.out.print(HostConfig.USAGE);
            return;
        }
        FatalErrors.install();
        // One line for each record, with its time; for the journal or the log file.
        System.setProperty("java.util.logging.SimpleFormatter.format", "%1$tFT%1$tT.%1$tL %4$s %3$s: %5$s%6$s%n");
        System.exit(run(List.of(args)));
    }

    private static int run(List<String> args) throws InterruptedException {
        SdNotify manager = SdNotify.of(System.getenv());
        try {
            HostConfig config = HostConfig.parse(args, System.getenv());
            CoreDumps.forbid(); // secrets pass through this memory
            Daemon daemon = Daemon.start(config, manager, HostMain::halt);
            CountDownLatch stopped = new CountDownLatch(1);
            java.lang.Runtime.getRuntime()
                    .addShutdownHook(Thread.ofPlatform().name("stop").unstarted(() -> {
                        manager.stopping();
                        daemon.close();
                        stopped.countDown();
                    }));
            System.out.println("allod: serving on " + daemon.describe());
            stopped.await();
            return 0;
        } catch (RejectedException e) {
            System.err.println(
                    "allod: " + e.getMessage() + e.hint().map(h -> "\n" + h).orElse(""));
            return e.reason() == RejectedException.Reason.INVALID ? WRONG_USE : REFUSED;
        } catch (FailedException e) {
            System.err.println("allod: " + e.getMessage());
            return FAILED;
        }
    }

    /**
     * Ends the process after a durability failure or a bug in the engine: nothing more may be acknowledged. The service
     * manager restarts it, and the runs resume from what is durable.
     */
    private static void halt(Throwable why) {
        System.getLogger("allod.host").log(Level.ERROR, "the daemon ends, since it cannot go on safely", why);
        java.lang.Runtime.getRuntime().halt(FAILED);
    }
}
