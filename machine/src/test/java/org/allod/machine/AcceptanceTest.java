package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.base.SystemClock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is accepted is judged by how things are then, changes nothing where it is refused, and keeps nobody waiting. */
@Timeout(60)
class AcceptanceTest {
    private static final Actor.Client ME = new Actor.Client("me", Optional.empty());

    @TempDir
    Path folder;

    /** Keys that are not to be had until a test says so. */
    private static final class SlowKeys implements VolumeKeyStore {
        final CountDownLatch asked = new CountDownLatch(1);
        final CountDownLatch answer = new CountDownLatch(1);

        @Override
        public boolean available() {
            return true;
        }

        @Override
        public void make(VolumeId volume) {}

        @Override
        public void share(String with, String of) {}

        @Override
        public Optional<byte[]> key(VolumeId volume) {
            asked.countDown();
            try {
                assertThat(answer.await(20, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            throw new FailedException("no key today");
        }

        @Override
        public void forget(String owner) {}

        @Override
        public Set<String> owners() {
            return Set.of();
        }
    }

    @Test
    void create_whoseRunCannotStart_leavesNoMachineAndNoName() {
        try (TestMachineModule room =
                new TestMachineModule(folder, VolumeKeyStore.NONE, 8, options -> options.active(0))) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> room.create(true, Optional.empty()))
                        .isInstanceOf(RejectedException.class)
                        .hasMessageContaining("active runs, the bound");
                assertThat(room.machines.list("app", true)).isEmpty();
                assertThat(room.machines.all()).isEmpty();
            }
        }
        try (TestMachineModule again = new TestMachineModule(folder)) {
            assertThat(again.machines.list("app", true)).isEmpty();
        }
    }

    @Test
    void destroy_withoutForce_ofAMachineThatWasStartedSince_isRefused() throws Exception {
        try (TestMachineModule room = new TestMachineModule(folder)) {
            Machine seen = room.create(false, Optional.empty());
            room.machines.start(seen, ME);
            room.machines.await(seen, Set.of(MachineState.STARTED), Optional.empty(), Duration.ofSeconds(20));
            assertThatThrownBy(() -> room.machines.destroy(seen, false, ME))
                    .isInstanceOf(RejectedException.class)
                    .hasMessageContaining("is started");
            assertThat(room.machines.find(seen.id()).orElseThrow().state()).isEqualTo(MachineState.STARTED);
        }
    }

    @Test
    void update_thatMakesAVolume_keepsNobodyElseWaiting_andLeavesNoneWhereItIsRefused() throws Exception {
        SlowKeys keys = new SlowKeys();
        try (TestMachineModule room = new TestMachineModule(folder, keys)) {
            Machine m = room.create(false, Optional.empty());
            MachineConfig config = TestHost.config(
                    "{\"image\":\"web\",\"mounts\":[{\"name\":\"data\",\"path\":\"/d\",\"size_gb\":1,\"encrypted\":true}]}");
            FutureTask<Machine> update = new FutureTask<>(() -> room.machines.update(
                    m, new Machines.UpdateRequest(config, Optional.empty(), false, Optional.empty()), ME));
            Thread.ofVirtual().start(update);
            assertThat(keys.asked.await(20, TimeUnit.SECONDS)).isTrue();
            room.machines.cordon(m, true, ME);
            assertThat(room.machines.find(m.id()).orElseThrow().cordoned()).isTrue();
            assertThatThrownBy(() -> room.machines.deleteApp("app", false, ME)).isInstanceOf(RejectedException.class);
            keys.answer.countDown();
            assertThatThrownBy(() -> update.get(20, TimeUnit.SECONDS)).hasMessageContaining("no key today");
            assertThat(room.volumes.list("app")).isEmpty();
            assertThat(room.settled(m).config().mounts()).isEmpty();
        }
    }

    @Test
    void versionsAndEvents_afterARestartWithTheClockBack_goOnGrowing() throws Exception {
        Clock now = new SystemClock();
        Clock back = new Clock() {
            @Override
            public Instant wall() {
                return now.wall().minus(Duration.ofDays(30));
            }

            @Override
            public long monoNanos() {
                return now.monoNanos();
            }
        };
        Machine before;
        MachineEvent event;
        try (TestMachineModule room = new TestMachineModule(folder)) {
            before = room.create(false, Optional.empty());
            event = room.machines.events(before.id(), 1).getFirst();
        }
        try (TestMachineModule room = new TestMachineModule(folder, VolumeKeyStore.NONE, 8, options -> options, back)) {
            Machine after = room.machines.update(
                    before,
                    new Machines.UpdateRequest(
                            TestHost.config("{\"image\":\"web\",\"env\":{\"A\":\"1\"}}"),
                            Optional.empty(),
                            false,
                            Optional.empty()),
                    ME);
            assertThat(after.version()).isGreaterThan(before.version());
            assertThat(room.machines.events(before.id(), 1).getFirst().id()).isGreaterThan(event.id());
        }
    }

    private static void plant(TestMachineModule room, String when) {
        room.database.write(tx ->
                tx.update("CREATE TRIGGER planted BEFORE " + when + " BEGIN SELECT RAISE(ABORT, 'planted'); END"));
    }

    @Test
    void create_whoseRunCannotStart_leavesNoVolumeAndNoMachine() throws Exception {
        try (TestMachineModule room = new TestMachineModule(folder)) {
            plant(room, "INSERT ON run WHEN NEW.type = 'machine.create'");
            MachineCreator.Request request = new MachineCreator.Request(
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    false,
                    false,
                    Optional.empty(),
                    TestHost.config(
                            "{\"image\":\"web\",\"mounts\":[{\"name\":\"data\",\"path\":\"/d\",\"size_gb\":1}]}"));
            assertThatThrownBy(() -> room.machines.create("app", request)).hasMessageContaining("planted");
            assertThat(room.machines.all()).isEmpty();
            assertThat(room.volumes.list("app")).isEmpty();
        }
    }

    @Test
    void update_whoseLeaseCannotBeKept_startsNoRun() throws Exception {
        try (TestMachineModule room = new TestMachineModule(folder)) {
            Machine m = room.create(false, Optional.empty());
            plant(room, "INSERT ON machine_lease");
            Machines.UpdateRequest change = new Machines.UpdateRequest(
                    TestHost.config("{\"image\":\"web:2\"}"), Optional.empty(), false, Optional.of(LEASE));
            assertThatThrownBy(() -> room.machines.update(m, change, ME)).hasMessageContaining("planted");
            assertThat(room.settled(m).version()).isEqualTo(m.version());
        }
    }

    @Test
    void update_whoseRunCannotStart_leavesNoLease() throws Exception {
        try (TestMachineModule room = new TestMachineModule(folder)) {
            Machine m = room.create(false, Optional.empty());
            plant(room, "INSERT ON run WHEN NEW.type = 'machine.update'");
            Machines.UpdateRequest change = new Machines.UpdateRequest(
                    TestHost.config("{\"image\":\"web:2\"}"), Optional.empty(), false, Optional.of(LEASE));
            assertThatThrownBy(() -> room.machines.update(m, change, ME)).hasMessageContaining("planted");
            assertThat(room.machines.leases().of(m.id())).isEmpty();
        }
    }

    private static final Leases.LeaseRequest LEASE = new Leases.LeaseRequest(Duration.ofSeconds(10), "me", "");
}
