package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BookTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    /** The one who waited leaves, and so empties the list, at the moment the next has found it and is not in it yet. */
    @Test
    void await_joiningAsTheLastOtherLeaves_isWoken() throws Exception {
        AtomicReference<Thread> leaving = new AtomicReference<>();
        CountDownLatch firstIn = new CountDownLatch(1);
        CountDownLatch secondIn = new CountDownLatch(1);
        class Interleaved extends CopyOnWriteArrayList<MachineIndex.Waiter> {
            @Override
            public boolean add(MachineIndex.Waiter waiter) {
                Thread other = leaving.get();
                if (other != null) {
                    other.interrupt();
                    try {
                        // As long as it takes, or, where it is made to wait for us, no longer than this.
                        other.join(300);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }
                boolean added = super.add(waiter);
                (other == null ? firstIn : secondIn).countDown();
                return added;
            }
        }
        MachineIndex index = new MachineIndex(Interleaved::new);
        VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
        try (TestHost host = new TestHost(time, time)) {
            Machine machine = host.machine(MachineState.STOPPED, "{\"image\":\"web\"}");
            Thread first = Thread.ofPlatform().start(() -> {
                try {
                    var _ = index.await(machine.id(), m -> false, LONG);
                } catch (InterruptedException e) {
                    // It leaves.
                }
            });
            assertThat(firstIn.await(20, TimeUnit.SECONDS)).isTrue();
            leaving.set(first);
            FutureTask<Optional<Machine>> second =
                    new FutureTask<>(() -> index.await(machine.id(), m -> true, Duration.ofSeconds(3)));
            Thread.ofPlatform().start(second);
            assertThat(secondIn.await(20, TimeUnit.SECONDS)).isTrue();
            first.join();
            index.put(machine);
            assertThat(second.get(20, TimeUnit.SECONDS)).contains(machine);
        }
    }
}
