package org.allod.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What becomes of a deploy whose command is ended by Ctrl-C: where a person is there, they are asked. The command holds
 * nothing that would have to be given back: leases and all else are the daemon's.
 */
final class DeployInterrupt implements Runnable {
    /** Somebody who wanted it cancelled has said so by then; a script's end is not held up for long. */
    private static final Duration ANSWER = Duration.ofSeconds(15);

    private final CommandContext context;
    private final DaemonClient daemon;
    private final String app;
    private final boolean ours;
    private volatile Optional<String> target = Optional.empty();

    DeployInterrupt(CommandContext context, DaemonClient daemon, String app, boolean ours) {
        this.context = context;
        this.daemon = daemon;
        this.app = app;
        this.ours = ours;
    }

    /** The daemon has it: this is where. */
    void onStarted(String at) {
        target = Optional.of(at);
    }

    @Override
    public void run() {
        Console console = context.console();
        if (target.isEmpty()) {
            console.note("whether the deploy has begun is not known yet; `allod deploy show -f --app " + app
                    + "` tells, and follows it");
            return;
        }
        if (ours && console.asks()) {
            console.settle();
            console.err().print("\nCancel the deploy and go back? [y/N] ");
            console.err().flush();
            if (isInterrupted()) {
                try {
                    daemon.post(target.orElseThrow() + "/cancel", Json.obj("cause", "cancelled by the operator"));
                    console.note("the deploy is being taken back; `allod deploy show -f --app " + app + "` follows it");
                } catch (RuntimeException e) {
                    console.note("it could not be cancelled: " + e.getMessage());
                }
                return;
            }
        }
        console.note("the deploy goes on; `allod deploy show -f --app " + app
                + "` follows it, `allod deploy cancel --app " + app + "` takes it back");
    }

    private static boolean isInterrupted() {
        CountDownLatch answered = new CountDownLatch(1);
        AtomicInteger answer = new AtomicInteger(-1);
        Thread.ofPlatform().daemon().name("answer").start(() -> {
            try {
                answer.set(System.in.read());
            } catch (IOException e) {
                // Nobody there to answer.
            }
            answered.countDown();
        });
        try {
            boolean said = answered.await(ANSWER.toMillis(), TimeUnit.MILLISECONDS);
            return said && (answer.get() == 'y' || answer.get() == 'Y');
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
