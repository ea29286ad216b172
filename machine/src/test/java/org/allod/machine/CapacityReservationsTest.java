package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The host's memory is given out once, however many ask together: 4096 MB here, of which a machine takes 256. */
class CapacityReservationsTest {
    private static final Actor.Client ME = new Actor.Client("me", Optional.empty());
    private static final int FIT = 16;
    private static final int MORE = FIT + 12;

    @TempDir
    Path folder;

    private TestMachineModule room;

    @BeforeEach
    void open() {
        room = new TestMachineModule(folder);
    }

    @AfterEach
    void close() {
        room.close();
    }

    /** How many of the calls, all at once, were not refused for want of room. */
    private static int accepted(List<Callable<?>> calls) throws InterruptedException {
        int accepted = 0;
        try (var threads = Executors.newFixedThreadPool(calls.size())) {
            List<Future<?>> all = new ArrayList<>();
            calls.forEach(call -> all.add(threads.submit(call)));
            for (Future<?> one : all) {
                try {
                    one.get();
                    accepted++;
                } catch (ExecutionException e) {
                    assertThat(e.getCause())
                            .isInstanceOfSatisfying(
                                    RejectedException.class,
                                    refusal -> assertThat(refusal.reason())
                                            .as(refusal.getMessage())
                                            .isEqualTo(RejectedException.Reason.CAPACITY));
                }
            }
        }
        return accepted;
    }

    private long running() throws InterruptedException {
        for (Machine m : List.copyOf(room.machines.all())) {
            room.settled(m);
        }
        return room.machines.all().stream()
                .filter(m -> m.state() == MachineState.STARTED)
                .count();
    }

    private Machine create(boolean launch) throws InterruptedException {
        return create("app", launch);
    }

    private Machine create(String app, boolean launch) throws InterruptedException {
        return room.machines.create(
                app,
                new MachineCreator.Request(
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        launch,
                        false,
                        Optional.empty(),
                        TestHost.config("{\"image\":\"web\"}")));
    }

    private static Machines.UpdateRequest change(int memoryMb, boolean launch) {
        return new Machines.UpdateRequest(
                TestHost.config("{\"image\":\"web\",\"guest\":{\"memory_mb\":" + memoryMb + "}}"),
                Optional.empty(),
                launch,
                Optional.empty());
    }

    @Test
    void creates_together_takeNoMoreThanThereIs() throws InterruptedException {
        List<Callable<?>> creates = new ArrayList<>();
        for (int i = 0; i < MORE; i++) {
            creates.add(() -> create(true));
        }
        assertThat(accepted(creates)).isEqualTo(FIT);
        assertThat(running()).isEqualTo(FIT);
    }

    @Test
    void starts_together_takeNoMoreThanThereIs() throws InterruptedException {
        List<Callable<?>> starts = new ArrayList<>();
        for (int i = 0; i < MORE; i++) {
            Machine m = create(false);
            starts.add(() -> {
                room.machines.start(room.settled(m), ME);
                return m;
            });
        }
        assertThat(accepted(starts)).isEqualTo(FIT);
        assertThat(running()).isEqualTo(FIT);
    }

    @Test
    void update_thatStartsOrGrows_isRefusedWhereTheRoomIsTaken_andChangesNothing() throws InterruptedException {
        Machine large = create(false);
        large = room.machines.update(large, change(4_096 - 256, true), ME);
        Machine small = room.settled(create(true));
        Machine stopped = room.settled(create(false));
        room.settled(large);
        assertThatThrownBy(() -> room.machines.update(stopped, change(256, true), ME))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("it wants 256 MB and 4096 of 4096 MB are taken");
        assertThatThrownBy(() -> room.machines.update(small, change(512, true), ME))
                .hasMessageContaining("it wants 512 MB and 3840 of 4096 MB are taken");
        assertThat(room.machines.find(stopped.id())).contains(stopped);
        assertThat(room.machines.find(small.id())).contains(small);
        Machine same = room.machines.update(small, change(256, true), ME);
        assertThat(room.settled(same).state()).isEqualTo(MachineState.STARTED);
        Machine unstarted = room.machines.update(stopped, change(256, false), ME);
        assertThat(room.settled(unstarted).state()).isEqualTo(MachineState.STOPPED);
    }

    /** A port of raw bytes is one app's, whoever asks first: a configuration is on record only far in its update's run. */
    @Test
    void rawPort_askedForByTwoAppsTogether_isGivenToOne() throws InterruptedException {
        room.machines.createApp("other", Optional.empty());
        for (int i = 0; i < 10; i++) {
            MachineConfig config =
                    TestHost.config("{\"image\":\"web\",\"services\":[{\"internal_port\":1,\"ports\":[{\"port\":"
                            + (20_000 + i) + "}]}]}");
            Machines.UpdateRequest change =
                    new Machines.UpdateRequest(config, Optional.empty(), false, Optional.empty());
            List<Callable<Machine>> updates = new ArrayList<>();
            for (String app : List.of("app", "other")) {
                Machine m = room.settled(create(app, false));
                updates.add(() -> room.machines.update(m, change, ME));
            }
            int given = 0;
            try (var threads = Executors.newFixedThreadPool(2)) {
                for (Future<Machine> one : threads.invokeAll(updates)) {
                    try {
                        var _ = one.get();
                        given++;
                    } catch (ExecutionException e) {
                        assertThat(e.getCause())
                                .isInstanceOf(RejectedException.class)
                                .hasMessageContaining("asks for port");
                    }
                }
            }
            assertThat(given).isEqualTo(1);
        }
    }

    @Test
    void room_ofAMachineThatStopsOrFails_isFreeAgain() throws InterruptedException {
        List<Machine> all = new ArrayList<>();
        for (int i = 0; i < FIT; i++) {
            all.add(room.settled(create(true)));
        }
        assertThat(room.machines.countThatFit(256, 1)).isZero();
        room.machines.stop(all.getFirst(), Optional.empty(), Optional.of(Duration.ofSeconds(1)), ME);
        room.settled(all.getFirst());
        assertThat(room.machines.countThatFit(256, 1)).isEqualTo(1);
        room.runtime.beforeBoot = () -> {
            throw RejectedException.invalid("this one does not boot");
        };
        room.machines.start(all.getFirst(), ME);
        assertThat(room.settled(all.getFirst()).state()).isEqualTo(MachineState.FAILED);
        assertThat(room.machines.countThatFit(256, 1)).isEqualTo(1);
    }
}
