package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.allod.base.LoopFailures;
import org.allod.base.RejectedException;
import org.allod.base.VirtualTime;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The disk is promised once, and whoever writes beyond its promise is the one who is stopped. */
class DiskKeeperTest {
    private static final long MIB = 1L << 20;

    /** A disk of a gigabyte, as full as a test says. */
    private static final class Model implements DiskSpace {
        volatile long free = 900 * MIB;
        volatile boolean broken;

        @Override
        public long total() {
            return 1_000 * MIB;
        }

        @Override
        public long free() {
            if (broken) {
                throw new FailedException("cannot measure the disk");
            }
            return free;
        }
    }

    private final VirtualTime time = new VirtualTime(Instant.EPOCH);
    private final TestHost host = new TestHost(time, time);
    private final Model disk = new Model();
    private final LinkedBlockingQueue<String> ended = new LinkedBlockingQueue<>();
    private final DiskPressureMonitor keeper =
            new DiskPressureMonitor(disk, DiskBounds.USUAL, host.index, host.guests, () -> 50 * MIB, time);
    private final CapacityReservations reservations =
            new CapacityReservations(new Capacity(100_000, 8, 1_000), keeper, host.index);

    @AfterEach
    void close() {
        host.close();
    }

    private Machine started() {
        Machine m = host.machine(MachineState.STARTED, "{\"image\":\"web\"}");
        assertThat(host.guests.find(m)).isPresent();
        return m;
    }

    private Machine fresh(int number) {
        Machine like = host.now();
        return new Machine(
                org.allod.base.MachineId.of(number),
                like.app(),
                1,
                "m" + number,
                "local",
                "gvisor",
                like.version(),
                like.config(),
                Optional.empty(),
                MachineState.CREATING,
                false,
                0,
                Optional.empty(),
                like.created(),
                like.created(),
                "fd00::2");
    }

    @Test
    void disk_isPromisedOnce_andTheRefusalSaysToWhom() {
        Machine there = started();
        keeper.start();
        // 900 free, 100 the host's own, 50 for volumes, 104 for each machine: six more.
        List<Machine> admitted = new ArrayList<>();
        RejectedException refused = null;
        for (int i = 1; i <= 10 && refused == null; i++) {
            Machine next = fresh(i);
            try {
                admitted.add(reservations.withReservation(next, next, true, () -> next));
            } catch (RejectedException e) {
                refused = e;
            }
        }
        assertThat(admitted).hasSize(6);
        assertThat(refused.reason()).isEqualTo(RejectedException.Reason.CAPACITY);
        assertThat(refused.getMessage()).contains("insufficient disk", "104 MiB", "may still take");
        assertThat(refused.hint()).hasValueSatisfying(hint -> assertThat(hint).contains("allod doctor"));
        // What it has written is no longer to come: its promise is room that is taken already.
        host.runtime.running.get(there.id()).disk = 80 * MIB;
        time.advance(Duration.ofSeconds(11));
        assertThat(keeper.report().outstanding() / MIB).isEqualTo(24);
    }

    @Test
    void lowDisk_refusesCreates_andLeavesAloneWhatRuns() {
        Machine there = started();
        keeper.start();
        disk.free = 90 * MIB;
        Machine next = fresh(1);
        assertThatThrownBy(() -> reservations.withReservation(next, next, false, () -> next))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("nearly full")
                .hasMessageContaining("90 MiB are free");
        assertThatThrownBy(() -> reservations.withSaveReservation(there, () -> "saved"))
                .hasMessageContaining("nearly full");
        // A restart of what runs needs no new promise.
        assertThat(reservations.withReservation(there, () -> "restarted")).isEqualTo("restarted");
        time.advance(Duration.ofSeconds(1));
        assertThat(keeper.level()).isEqualTo(DiskLevel.LOW);
        disk.free = 500 * MIB;
        time.advance(Duration.ofSeconds(1));
        assertThat(keeper.level()).isEqualTo(DiskLevel.OK);
        assertThat(reservations.withReservation(next, next, false, () -> "made"))
                .isEqualTo("made");
        assertThat(ended).isEmpty();
    }

    @Test
    void fullDisk_endsWhoIsBeyondItsPromise_andSaysWhy() throws Exception {
        Machine there = started();
        keeper.endsBy((m, why) -> ended.add(m.id() + " " + why));
        keeper.start();
        host.runtime.running.get(there.id()).disk = 700 * MIB;
        disk.free = 5 * MIB;
        time.advance(Duration.ofMillis(600));
        String said = ended.poll(10, TimeUnit.SECONDS);
        assertThat(said).contains(there.id().text(), "disk_full", "takes 700 MiB", "104");
        time.advance(Duration.ofSeconds(2));
        assertThat(ended).as("asked a second time while it ends").isEmpty();
        assertThat(keeper.report().machines()).singleElement().satisfies(use -> {
            assertThat(use.held()).isEqualTo(700 * MIB);
            assertThat(use.machine()).isEqualTo(there.id());
        });
        assertThat(keeper.report().stops()).isEqualTo(1);

        // A virtual machine stands still since a write found no room: it is told to go on.
        FakeRuntime.FakeGuest guest = host.runtime.running.get(there.id());
        assertThat(guest.room).isNotDone();
        disk.free = 500 * MIB;
        time.advance(Duration.ofSeconds(1));
        assertThat(guest.room).succeedsWithin(Duration.ofSeconds(10));
    }

    @Test
    void lookThatFails_isReportedAndFollowedByTheNext() {
        started();
        keeper.start();
        disk.broken = true;
        time.advance(Duration.ofSeconds(5));
        assertThat(LoopFailures.ofProcess().all()).containsKey("disk-keeper");
        disk.broken = false;
        disk.free = 90 * MIB;
        time.advance(Duration.ofSeconds(30));
        assertThat(keeper.level()).isEqualTo(DiskLevel.LOW);
    }

    /** The real end: a run that stops it, and an event that says why. */
    @Test
    void diskStop_stopsTheMachineAtOnce_andNotesIt(@org.junit.jupiter.api.io.TempDir java.nio.file.Path folder)
            throws Exception {
        try (TestMachineModule whole = new TestMachineModule(folder)) {
            Machine m = whole.create(true, Optional.empty());
            whole.disk.end(m, "disk_full: because");
            Machine stopped =
                    whole.machines.await(m, Set.of(MachineState.STOPPED), Optional.empty(), Duration.ofSeconds(10));
            assertThat(stopped.state()).isEqualTo(MachineState.STOPPED);
            assertThat(whole.runtime.forgotten)
                    .as("layers that take no disk any more")
                    .contains(m.id());
            assertThat(whole.machines.events(m.id(), 10))
                    .anySatisfy(e -> assertThat(e.type() + e.request()).contains("disk_full", "because"));
        }
    }

    /** One whose layer cannot be measured now is still the one that filled the disk. */
    @Test
    void layer_thatCannotBeMeasured_countsAsLastSeen() throws Exception {
        Machine there = started();
        FakeRuntime.FakeGuest guest = host.runtime.running.get(there.id());
        guest.disk = 700 * MIB;
        keeper.endsBy((m, why) -> ended.add(m.id() + " " + why));
        keeper.start();
        guest.unreadable = true;
        disk.free = 5 * MIB;
        time.advance(Duration.ofSeconds(2));
        assertThat(ended.poll(10, TimeUnit.SECONDS)).contains("takes 700 MiB");
    }

    @Test
    void guest_thatIsNotReached_isToldOfRoomAgain() {
        Machine there = started();
        FakeRuntime.FakeGuest guest = host.runtime.running.get(there.id());
        guest.unreached.set(1);
        keeper.start();
        disk.free = 5 * MIB;
        time.advance(Duration.ofSeconds(1));
        disk.free = 500 * MIB;
        time.advance(Duration.ofSeconds(1));
        assertThat(guest.room).succeedsWithin(Duration.ofSeconds(10));
    }

    @Test
    void start_whoseFirstLookFails_looksAgain() {
        started();
        disk.broken = true;
        keeper.start();
        disk.broken = false;
        disk.free = 90 * MIB;
        time.advance(Duration.ofSeconds(1));
        assertThat(keeper.level()).isEqualTo(DiskLevel.LOW);
    }

    @Test
    void suspends_together_arePromisedTheDiskOnce() {
        started();
        keeper.start();
        // 900 free, 100 the host's own, 50 for volumes, 104 for the layer of each; each memory takes 256.
        assertThat(saved(1)).isEqualTo("saved");
        assertThat(saved(2)).isEqualTo("saved");
        assertThatThrownBy(() -> saved(3))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("insufficient disk");
        host.index.put(fresh(1).withState(MachineState.SUSPENDED, time.wall()));
        assertThat(saved(3)).isEqualTo("saved");
        // One that does not begin takes nothing.
        host.index.put(fresh(2).withState(MachineState.SUSPENDED, time.wall()));
        assertThatThrownBy(() -> reservations.withSaveReservation(fresh(4), () -> {
                    throw new FailedException("planted");
                }))
                .hasMessage("planted");
        assertThat(saved(5)).isEqualTo("saved");
    }

    private String saved(int machine) {
        return reservations.withSaveReservation(fresh(machine), () -> "saved");
    }
}
