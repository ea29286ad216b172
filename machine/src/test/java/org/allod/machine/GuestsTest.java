package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.allod.base.FailedException;
import org.allod.base.VirtualTime;
import org.allod.runtime.ExitStatus;
import org.allod.runtime.Guest;
import org.junit.jupiter.api.Test;

/** Who hears of a guest's end. */
class GuestsTest {
    /** A full disk at this moment must not mean that the machine's restart policy is never asked. */
    @Test
    void supervisorThatFails_isToldOfTheEndAgain() throws Exception {
        VirtualTime time = new VirtualTime(Instant.EPOCH);
        try (TestHost host = new TestHost(time, time)) {
            AtomicInteger told = new AtomicInteger();
            CountDownLatch heard = new CountDownLatch(1);
            host.guests.setReconciler((guest, exit) -> {
                if (told.incrementAndGet() < 3) {
                    throw new FailedException("writing to host.db: the disk is full");
                }
                heard.countDown();
            });
            Machine m = host.machine(MachineState.STARTED, "{\"image\":\"web\"}");
            Guest guest = host.guests.find(m).orElseThrow();
            host.runtime.running.get(guest.machine()).exit.complete(new ExitStatus(1, 0, false));
            assertThat(heard.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(told.get()).isEqualTo(3);
        }
    }
}
