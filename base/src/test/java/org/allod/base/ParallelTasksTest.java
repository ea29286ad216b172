package org.allod.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
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
}
