package org.allod.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What becomes of a deploy whose command is ended by Ctrl-C: where a person is there, they are asked. */
final class DeployInterrupt {
    /** Somebody who wanted it cancelled has said so by then; a script's end is not held up for long. */
    private static final Duration ANSWER = Duration.ofSeconds(15);

    private DeployInterrupt() {}

    static void ask(Session session, Daemon daemon, String target, String app, boolean ours) {
        Screen screen = session.screen();
        if (ours && screen.asks()) {
            screen.settle();
            screen.err().print("\nCancel the deploy and go back? [y/N] ");
            screen.err().flush();
            if (yes()) {
                try {
                    daemon.post(target + "/cancel", Json.obj("cause", "cancelled by the operator"));
                    screen.note("the deploy is being taken back; `allod deploy show -f --app " + app + "` follows it");
                } catch (RuntimeException e) {
                    screen.note("it could not be cancelled: " + e.getMessage());
                }
                return;
            }
        }
        screen.note("the deploy goes on; `allod deploy show -f --app " + app
                + "` follows it, `allod deploy cancel --app " + app + "` takes it back");
    }

    private static boolean yes() {
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
