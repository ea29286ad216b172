package org.allod.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class ParallelTasksTest {
    @Test
    void both_runAtTheSameTime() {
        CountDownLatch met = new CountDownLatch(2);
        Runnable meet = () -> {
            met.countDown();
            try {
                assertThat(met.await(10, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        };
        ParallelTasks.run(meet, meet);
    }

    @Test
    void failure_ofEither_isToldOnceBothHaveEnded() {
        AtomicBoolean ended = new AtomicBoolean();
        assertThatThrownBy(() -> ParallelTasks.run(
                        () -> {
                            throw new FailedException("here");
                        },
                        () -> ended.set(true)))
                .hasMessage("here");
        assertThat(ended).isTrue();
        assertThatThrownBy(() -> ParallelTasks.run(() -> {}, () -> {
                    throw new FailedException("there");
                }))
                .hasMessage("there");
        assertThatThrownBy(() -> ParallelTasks.run(
                        () -> {
                            throw new FailedException("here");
                        },
                        () -> {
                            throw new FailedException("there");
                        }))
                .hasMessage("here")
                .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
    }

    @Test
    void interrupted_stillWaitsForBoth_andStaysInterrupted() {
        AtomicBoolean ended = new AtomicBoolean();
        Thread.currentThread().interrupt();
        ParallelTasks.run(() -> {}, () -> {
            Thread.yield();
            ended.set(true);
        });
        assertThat(ended).isTrue();
        assertThat(Thread.interrupted()).isTrue();
    }

    /** Two that spun held both carriers of a daemon, and what they waited for never ran. */
    @Test
    void interrupted_waitsWithoutSpinning() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadCpuTime();
        Thread.currentThread().interrupt();
        ParallelTasks.run(() -> {}, () -> LockSupport.parkNanos(500_000_000));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(threads.getCurrentThreadCpuTime() - before).isLessThan(250_000_000);
    }
}
