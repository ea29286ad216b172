package org.allod.image;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.allod.base.Rng;
import org.allod.base.Timers;

/**
 * Retries after network failures, up to a number of consecutive attempts without progress. An attempt that received
 * some bytes does not count: a large blob arrives in the end even over a bad link.
 *
 * <p>Waits are exponential with jitter (half to all of the step), so that many hosts cut off together do not return
 * together.
 */
final class Retry {
    private final Timers timers;
    private final Rng rng;
    private final Duration first;
    private final Duration most;

    Retry(Timers timers, Rng rng, Duration first, Duration most) {
        this.timers = timers;
        this.rng = rng;
        this.first = first;
        this.most = most;
    }

    interface Attempt {
        void run() throws IOException;
    }

    interface Measure {
        long now() throws IOException;
    }

    interface Question<T> {
        T ask() throws IOException;
    }

    /** Retries a small request, which keeps nothing between attempts. */
    <T> T get(int attempts, Question<T> question) throws IOException, InterruptedException {
        List<T> answer = new ArrayList<>(1);
        run(attempts, () -> 0, () -> answer.add(question.ask()));
        return answer.getFirst();
    }

    /** Runs {@code attempt} until it succeeds; {@code progress} measures how far the work has come. */
    void run(int attempts, Measure progress, Attempt attempt) throws IOException, InterruptedException {
        int failures = 0;
        long reached = progress.now();
        while (true) {
            try {
                attempt.run();
                return;
            } catch (IOException e) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                long now = progress.now();
                failures = now > reached ? 1 : failures + 1;
                reached = Math.max(reached, now);
                if (failures >= attempts || isOurs(e)) {
                    throw e;
                }
                pause(failures);
            }
        }
    }

    /** Whether the failure is local: a full disk does not empty itself within seconds. */
    private static boolean isOurs(IOException e) {
        return e.getMessage() != null && e.getMessage().contains(StagingFiles.FULL);
    }

    private void pause(int failures) throws InterruptedException {
        long step = Math.min(most.toMillis(), first.toMillis() << Math.min(failures - 1, 16));
        long wait;
        synchronized (rng) {
            wait = step / 2 + rng.nextLong(step / 2 + 1);
        }
        CountDownLatch over = new CountDownLatch(1);
        Timers.Timer timer = timers.after(Duration.ofMillis(wait), over::countDown);
        try {
            over.await();
        } finally {
            timer.cancel();
        }
    }
}
