package org.allod.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Handles Ctrl-C during a deploy: if a user is present, asks whether to cancel the deploy. The command holds no
 * resources; leases and everything else belong to the daemon.
 */
final class DeployInterrupt implements Runnable {
    /** The time to answer: enough for a user, and short for a script's end. */
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

    /** The daemon has started the deploy at this path. */
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
                // No one answers.
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
