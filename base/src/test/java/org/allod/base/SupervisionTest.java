package org.allod.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Loops, timers and tasks that go on whatever one turn of them throws. */
class SupervisionTest {
    private final VirtualTime time = new VirtualTime(Instant.EPOCH);
    private final List<String> log = new ArrayList<>();
    private final LoopFailures failures = new LoopFailures(time, (message, why) -> log.add(message));

    @Test
    void timer_whoseBodyThrows_isReportedAndGoesOn() {
        AtomicInteger times = new AtomicInteger();
        SupervisedTimer timer = new SupervisedTimer(
                "look",
                time,
                Duration.ofSeconds(1),
                () -> {
                    if (times.incrementAndGet() <= 3) {
                        throw new FailedException("the disk is full");
                    }
                },
                failures,
                Rng.seeded(1));
        timer.start();
        time.advance(Duration.ofSeconds(10));
        assertThat(times.get()).isBetween(8, 13);
        assertThat(failures.all().get("look").count()).isEqualTo(3);
        assertThat(failures.all().get("look").last()).isEqualTo("the disk is full");

        int before = times.get();
        timer.close();
        time.advance(Duration.ofSeconds(10));
        assertThat(times.get()).isEqualTo(before);
    }

    @Test
    void timer_whoseVirtualMachineIsAtItsEnd_doesNotGoOn() {
        SupervisedTimer timer = new SupervisedTimer(
                "look",
                time,
                Duration.ofSeconds(1),
                () -> {
                    throw new OutOfMemoryError("planted");
                },
                failures,
                Rng.seeded(1));
        timer.start();
        assertThatThrownBy(() -> time.advance(Duration.ofSeconds(2))).isInstanceOf(OutOfMemoryError.class);
        assertThat(time.step()).as("something left to do").isFalse();
    }

    @Test
    void task_thatFails_isDoneAgainUntilItSucceeds() {
        AtomicInteger times = new AtomicInteger();
        task(() -> {
                    if (times.incrementAndGet() < 3) {
                        throw new IllegalStateException();
                    }
                })
                .run();
        assertThat(times.get()).isEqualTo(3);
        assertThat(failures.all().get("task").count()).isEqualTo(2);
        assertThat(failures.all().get("task").last()).isEqualTo("IllegalStateException");
    }

    @Test
    void task_thatNobodyWantsAnyMore_ends() {
        AtomicInteger times = new AtomicInteger();
        new SupervisedTask(
                        "task",
                        () -> times.get() < 2,
                        () -> {
                            times.incrementAndGet();
                            throw new FailedException("never");
                        },
                        failures,
                        Rng.seeded(5))
                .run();
        assertThat(times.get()).isEqualTo(2);
    }

    private SupervisedTask task(Runnable body) {
        return new SupervisedTask("task", () -> true, body, failures, Rng.seeded(2));
    }

    @Test
    void loop_whoseTurnThrowsAnything_goesOnUntilItIsClosed() throws Exception {
        CountDownLatch enough = new CountDownLatch(3);
        AtomicInteger turns = new AtomicInteger();
        SupervisedLoop loop = new SupervisedLoop(
                "loop",
                "loop",
                () -> {
                    enough.countDown();
                    switch (turns.incrementAndGet()) {
                        case 1 -> throw new FailedException("first");
                        case 2 -> throw new Bug("an error, too");
                        default -> new CountDownLatch(1).await();
                    }
                },
                failures,
                Rng.seeded(3));
        loop.start();
        assertThat(enough.await(20, TimeUnit.SECONDS)).isTrue();
        loop.close();
        loop.join();
        assertThat(failures.all().get("loop").count()).isEqualTo(2);
    }

    @Test
    void log_ofALoopThatFailsAThousandTimes_hasFewLines() {
        for (int i = 0; i < 1000; i++) {
            failures.report("busy", new FailedException("no"));
            time.advance(Duration.ofMillis(60));
        }
        assertThat(failures.all().get("busy").count()).isEqualTo(1000);
        assertThat(log).hasSize(2);
        assertThat(log.getLast()).contains("499 more");
    }

    @Test
    void backoff_growsToItsBoundAndBeginsAnew() {
        RetryBackoff backoff = new RetryBackoff(Rng.seeded(4));
        assertThat(backoff.next()).isBetween(Duration.ofMillis(50), Duration.ofMillis(100));
        for (int i = 0; i < 100; i++) {
            assertThat(backoff.next()).isLessThanOrEqualTo(Duration.ofSeconds(10));
        }
        assertThat(backoff.next()).isGreaterThanOrEqualTo(Duration.ofSeconds(5));
        backoff.reset();
        assertThat(backoff.next()).isLessThanOrEqualTo(Duration.ofMillis(100));
    }

    /** One computation's defect, perhaps provoked: the next turn comes all the same. */
    @Test
    void stackOverflow_endsNeitherLoopNorTimerNorTask() throws Exception {
        AtomicInteger times = new AtomicInteger();
        Runnable overflowsOnce = () -> {
            if (times.incrementAndGet() == 1) {
                throw new StackOverflowError("planted");
            }
        };
        task(overflowsOnce).run();
        assertThat(times.get()).isEqualTo(2);

        times.set(0);
        SupervisedTimer timer =
                new SupervisedTimer("look", time, Duration.ofSeconds(1), overflowsOnce, failures, Rng.seeded(6));
        timer.start();
        time.advance(Duration.ofSeconds(5));
        timer.close();
        assertThat(times.get()).isGreaterThan(2);

        times.set(0);
        CountDownLatch second = new CountDownLatch(2);
        SupervisedLoop loop = new SupervisedLoop(
                "loop",
                "loop",
                () -> {
                    second.countDown();
                    overflowsOnce.run();
                    new CountDownLatch(1).await();
                },
                failures,
                Rng.seeded(7));
        loop.start();
        assertThat(second.await(20, TimeUnit.SECONDS)).isTrue();
        loop.close();
        loop.join();
        assertThat(failures.all()).containsKeys("task", "look", "loop");

        SupervisedThread.run("planted-overflow", () -> {
            throw new StackOverflowError("planted");
        });
        assertThat(LoopFailures.ofProcess().all()).containsKey("planted-overflow");
    }
}
