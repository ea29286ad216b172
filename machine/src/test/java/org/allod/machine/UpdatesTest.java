package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.allod.base.Ids;
import org.allod.base.Rejected;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.Ulid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Updates, metadata and waiting, on the whole room. */
class UpdatesTest {
    private static final Asker.Client ME = new Asker.Client("me", Optional.empty());
    private static final Duration SOON = Duration.ofMillis(200);

    @TempDir
    Path folder;

    private TestRoom room;
    private Machine machine;

    @BeforeEach
    void create() throws InterruptedException {
        room = new TestRoom(folder);
        machine = room.create(false, Optional.empty());
    }

    @AfterEach
    void close() {
        room.close();
    }

    private static Machines.Change change(String image, Optional<String> expected) {
        return new Machines.Change(TestHost.config("{\"image\":\"" + image + "\"}"), expected, false, Optional.empty());
    }

    private static Waits.Wanted wanted(Set<MachineState> states, Optional<Ulid> version) {
        return new Waits.Wanted(states, false, false, version, Optional.empty());
    }

    private Machine metadata(Map<String, Optional<String>> keys, Optional<String> expected) {
        return room.machines.metadata(machine, new Metadata(keys, expected), ME);
    }

    @Test
    void update_withAStaleVersion_changesNothing() throws InterruptedException {
        Machine second = room.machines.update(
                machine, change("web", Optional.of(machine.version().toString())), ME);
        assertThat(second.version()).isGreaterThan(machine.version());
        room.settled(second);
        assertThatThrownBy(() -> room.machines.update(
                        second, change("web:2", Optional.of(machine.version().toString())), ME))
                .isInstanceOfSatisfying(
                        Rejected.class, e -> assertThat(e.reason()).isEqualTo(Rejected.Reason.STALE));
        assertThat(room.machines.find(machine.id()).orElseThrow().config().image())
                .isEqualTo("web");
    }

    @Test
    void update_toAnImageThatIsNotThere_saysSoAtOnce() {
        assertThatThrownBy(() -> room.machines.update(machine, change("nothing", Optional.empty()), ME))
                .isInstanceOf(Rejected.class)
                .hasMessageContaining("there is no image nothing");
        Machine now = room.machines.find(machine.id()).orElseThrow();
        assertThat(now.version()).isEqualTo(machine.version());
        assertThat(now.state().kind()).isEqualTo(MachineState.Kind.PERSISTENT);
    }

    @Test
    void metadata_isSetAndRemoved_atTheSameVersion() {
        Machine one = metadata(Map.of("role", Optional.of("web"), "zone", Optional.of("a")), Optional.empty());
        assertThat(one.version()).isEqualTo(machine.version());
        assertThat(one.config().metadata()).isEqualTo(Map.of("role", "web", "zone", "a"));
        Machine two = metadata(
                Map.of("role", Optional.empty(), "none", Optional.empty()),
                Optional.of(machine.version().toString()));
        assertThat(two.config().metadata()).isEqualTo(Map.of("zone", "a"));
        assertThatThrownBy(() -> metadata(Map.of("zone", Optional.of("b")), Optional.of("01ARZ3NDEKTSV4RRFFQ69G5FAV")))
                .isInstanceOfSatisfying(
                        Rejected.class, e -> assertThat(e.reason()).isEqualTo(Rejected.Reason.STALE));
        assertThatThrownBy(() -> metadata(Map.of("", Optional.of("b")), Optional.empty()))
                .hasMessageContaining("1 to 256 characters");
        assertThat(room.machines.get("app", machine.id()).config().metadata()).isEqualTo(Map.of("zone", "a"));
    }

    @Test
    void wait_forAVersionThatIsReplaced_endsWithIt() throws InterruptedException {
        Ulid old = machine.version();
        Machine second = room.machines.update(machine, change("web", Optional.empty()), ME);
        assertThat(room.machines
                        .waits()
                        .await(
                                second,
                                new Waits.Wanted(Set.of(), true, false, Optional.of(old), Optional.empty()),
                                SOON)
                        .state())
                .isEqualTo("replaced");
        assertThatThrownBy(() -> room.machines
                        .waits()
                        .await(second, wanted(Set.of(MachineState.STARTED), Optional.of(old)), Duration.ofSeconds(9)))
                .hasMessageContaining("has replaced that one");
        Ulid strange = new Ids(new SystemClock(), Rng.seeded(1)).ulid();
        assertThatThrownBy(() -> room.machines
                        .waits()
                        .await(
                                second,
                                wanted(Set.of(MachineState.STARTED), Optional.of(new Ulid(1, strange.low()))),
                                SOON))
                .hasMessageContaining("has no version");
    }

    @Test
    void wait_inVain_isATimeout_andOfADestroyedMachine_endsAtOnce() throws InterruptedException {
        assertThatThrownBy(() -> room.machines
                        .waits()
                        .await(machine, wanted(Set.of(MachineState.STARTED), Optional.empty()), SOON))
                .isInstanceOfSatisfying(
                        Rejected.class, e -> assertThat(e.reason()).isEqualTo(Rejected.Reason.TIMEOUT))
                .hasMessageStartingWith("deadline_exceeded: ");
        room.machines.destroy(machine, true, ME);
        assertThatThrownBy(() -> room.machines
                        .waits()
                        .await(machine, wanted(Set.of(MachineState.STARTED), Optional.empty()), Duration.ofSeconds(30)))
                .hasMessageContaining("it is destroyed");
    }

    @Test
    void wait_fromAnEvent_seesAStateThatWasPassedThrough() throws InterruptedException {
        Ulid before = room.machines.events(machine.id(), 1).getFirst().id();
        room.machines.start(machine, ME);
        Waits.Seen started = room.machines
                .waits()
                .await(
                        machine,
                        new Waits.Wanted(
                                Set.of(MachineState.STARTED), false, false, Optional.empty(), Optional.of(before)),
                        Duration.ofSeconds(10));
        room.machines.stop(room.machines.find(machine.id()).orElseThrow(), Optional.empty(), Optional.empty(), ME);
        room.machines
                .waits()
                .await(machine, wanted(Set.of(MachineState.STOPPED), Optional.empty()), Duration.ofSeconds(10));
        Waits.Wanted again =
                new Waits.Wanted(Set.of(MachineState.STARTED), false, false, Optional.empty(), Optional.of(before));
        assertThat(room.machines.waits().await(machine, again, SOON).state()).isEqualTo("started");
        Waits.Wanted later =
                new Waits.Wanted(Set.of(MachineState.STARTED), false, false, Optional.empty(), started.event());
        assertThatThrownBy(() -> room.machines.waits().await(machine, later, SOON))
                .hasMessageContaining("did not become started");
    }
}
