package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.Queue;
import java.util.function.BooleanSupplier;
import org.allod.base.Rng;

/**
 * One client of a daemon that is killed now and then: it goes on, step after step, until the storm is over. What it may
 * not be told, such as an internal error, ends it and is a failure of the storm.
 */
abstract class StormClient implements Runnable {
    final String name;
    final Rng dice;
    private final BooleanSupplier over;
    private final Queue<Throwable> failures;

    /**
     * @param storm whose seed decides what it does
     * @param failures takes what ends a client before the storm is over
     */
    StormClient(String name, Rng storm, BooleanSupplier over, Queue<Throwable> failures) {
        this.failures = failures;
        this.name = name;
        this.dice = storm.fork(name);
        this.over = over;
    }

    /** Does something, and notes what it may rely on from then on. */
    abstract void step() throws IOException;

    /** A call that may be refused or cut off, but not go wrong in the daemon. */
    static HttpResponse<String> call(DaemonProcess daemon, String method, String path, String body) throws IOException {
        HttpResponse<String> answer = daemon.call(method, path, body);
        assertThat(answer.statusCode())
                .as("%s %s: %s", method, path, answer.body())
                .isLessThan(500);
        return answer;
    }

    @Override
    public final void run() {
        while (!over.getAsBoolean()) {
            try {
                step();
                Thread.sleep(dice.nextInt(30));
            } catch (IOException e) {
                // The daemon is being killed or started. Wait for it.
                pause();
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException | Error e) {
                failures.add(new AssertionError("client " + name + " ended: " + e.getMessage(), e));
                return;
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
