package org.allod.host;

import java.io.IOException;
import java.util.function.BooleanSupplier;
import org.allod.base.Rng;

/** One client of a daemon that is killed now and then: it goes on, step after step, until the storm is over. */
abstract class StormClient implements Runnable {
    final String name;
    final Rng dice;
    private final BooleanSupplier over;

    /** @param storm whose seed decides what it does */
    StormClient(String name, Rng storm, BooleanSupplier over) {
        this.name = name;
        this.dice = storm.fork(name);
        this.over = over;
    }

    /** Does something, and notes what it may rely on from then on. */
    abstract void step() throws IOException;

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
