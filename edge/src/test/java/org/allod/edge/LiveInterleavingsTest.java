package org.allod.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.MachineId;
import org.allod.soak.Campaign;
import org.jetbrains.lincheck.Lincheck;
import org.junit.jupiter.api.Test;

/**
 * The race between a request and a stop (decision 051), in every order of the threads' steps: Lincheck runs them one at
 * a time, chooses which continues, and prints an order that violates an assertion.
 */
class LiveInterleavingsTest {
    private static final Campaign CAMPAIGN = Campaign.of("edge-orders");
    private static final Service SERVICE = new Service(Service.Concurrency.REQUESTS, 1, 2, true, Autostop.OFF, 0);

    /** An order takes milliseconds, since every read and write of a field is a call into Lincheck. */
    private static final long ORDERS_A_SECOND = 25;

    private static void everyOrder(Runnable threads) {
        long orders = CAMPAIGN.length(Duration.ofSeconds(2)).toSeconds() * ORDERS_A_SECOND;
        Lincheck.runConcurrentTest((int) Math.min(orders, 1_000_000), threads);
    }

    /** Runs all at once and returns when all have ended. */
    private static void together(Runnable... all) {
        Thread[] threads = new Thread[all.length];
        for (int i = 0; i < all.length; i++) {
            threads[i] = new Thread(all[i]);
            threads[i].start();
        }
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static BackendState live() {
        return new BackendState(MachineId.of(1), 1, 1, 0);
    }

    private static void require(boolean holds, String promise) {
        if (!holds) {
            throw new AssertionError(promise);
        }
    }

    @Test
    void requestAndStop_neverBothGoAhead() {
        everyOrder(() -> {
            BackendState backendState = live();
            boolean[] goes = new boolean[2];
            together(() -> goes[0] = backendState.acquire(SERVICE), () -> {
                backendState.drain(true);
                goes[1] = backendState.load() == 0;
            });
            require(!goes[0] || !goes[1], "a machine is stopped under a request");
        });
    }

    @Test
    void drainedMachine_alwaysSaysThatItIsEmpty() {
        everyOrder(() -> {
            BackendState backendState = live();
            require(backendState.acquire(SERVICE), "a free machine takes a request");
            AtomicInteger told = new AtomicInteger();
            together(
                    () -> backendState.release(1),
                    () -> {
                        if (backendState.acquire(SERVICE)) {
                            backendState.release(2);
                        }
                    },
                    () -> {
                        backendState.drain(true);
                        CompletableFuture<Boolean> empty = backendState.whenEmpty();
                        empty.thenAccept(e -> told.incrementAndGet());
                    });
            require(backendState.load() == 0, "every request has left");
            require(told.get() == 1, "whoever waits for an empty machine is told");
        });
    }

    @Test
    void moreRequestsThanThereIsRoomFor_areNeverTaken() {
        everyOrder(() -> {
            BackendState backendState = live();
            AtomicInteger taken = new AtomicInteger();
            Runnable request = () -> {
                if (backendState.acquire(SERVICE)) {
                    taken.incrementAndGet();
                }
            };
            together(request, request, request);
            require(taken.get() <= 2, "the hard limit holds");
            require(backendState.load() == taken.get(), "what was refused has left");
        });
    }

    /** A request that looks before it has said that it is there: the check can fail. */
    @Test
    void plantedFault_lookingFirst_isFound() {
        assertThatThrownBy(() -> everyOrder(() -> {
                    BackendState backendState = live();
                    boolean[] goes = new boolean[2];
                    together(() -> goes[0] = !backendState.draining() && backendState.acquire(SERVICE), () -> {
                        boolean empty = backendState.load() == 0;
                        backendState.drain(true);
                        goes[1] = empty;
                    });
                    require(!goes[0] || !goes[1], "a machine is stopped under a request");
                }))
                .satisfies(e -> assertThat(e.getMessage()).contains("a machine is stopped under a request"));
    }
}
