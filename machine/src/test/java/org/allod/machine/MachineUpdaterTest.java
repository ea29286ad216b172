package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.allod.base.IdGenerator;
import org.allod.base.Poll;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.base.Ulid;
import org.allod.runtime.ExitStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Updates, metadata and waiting, on the whole room. */
class MachineUpdaterTest {
    private static final Actor.Client ME = new Actor.Client("me", Optional.empty());
    private static final Duration SOON = Duration.ofMillis(200);

    @TempDir
    Path folder;

    private TestMachineModule room;
    private Machine machine;

    @BeforeEach
    void create() throws InterruptedException {
        room = new TestMachineModule(folder);
        machine = room.create(false, Optional.empty());
    }

    @AfterEach
    void close() {
        room.close();
    }

    private static Machines.UpdateRequest change(String image, Optional<String> expected) {
        return new Machines.UpdateRequest(
                TestHost.config("{\"image\":\"" + image + "\"}"), expected, false, Optional.empty());
    }

    private static MachineWaiter.Wanted wanted(Set<MachineState> states, Optional<Ulid> version) {
        return new MachineWaiter.Wanted(states, false, false, version, Optional.empty());
    }

    private Machine metadata(Map<String, Optional<String>> keys, Optional<String> expected) {
        return room.machines.metadata(machine, new MetadataPatch(keys, expected), ME);
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
                        RejectedException.class, e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.STALE));
        assertThat(room.machines.find(machine.id()).orElseThrow().config().image())
                .isEqualTo("web");
    }

    @Test
    void update_toAnImageThatIsNotThere_saysSoAtOnce() {
        assertThatThrownBy(() -> room.machines.update(machine, change("nothing", Optional.empty()), ME))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("there is no image nothing");
        Machine now = room.machines.find(machine.id()).orElseThrow();
        assertThat(now.version()).isEqualTo(machine.version());
        assertThat(now.state().kind()).isEqualTo(MachineState.Kind.PERSISTENT);
    }

    private static Machines.UpdateRequest launch(String image) {
        return new Machines.UpdateRequest(
                TestHost.config("{\"image\":\"" + image + "\"}"), Optional.empty(), true, Optional.empty());
    }

    private Machine suspended() throws InterruptedException {
        room.machines.start(machine, ME);
        room.machines.suspend(room.settled(machine), ME);
        assertThat(room.settled(machine).state()).isEqualTo(MachineState.SUSPENDED);
        return room.machines.find(machine.id()).orElseThrow();
    }

    private Machine failed() throws InterruptedException {
        room.runtime.beforeBoot = () -> {
            throw RejectedException.invalid("this one does not boot");
        };
        room.machines.start(machine, ME);
        Machine failed = room.settled(machine);
        assertThat(failed.state()).isEqualTo(MachineState.FAILED);
        room.runtime.beforeBoot = () -> {};
        return failed;
    }

    /** A configuration that mends what failed is of use only if it is run. */
    @Test
    void update_thatLaunches_startsWhatIsSuspendedOrFailed() throws InterruptedException {
        Machine second = room.machines.update(suspended(), launch("web:2"), ME);
        assertThat(room.settled(second).state()).isEqualTo(MachineState.STARTED);
        assertThat(room.runtime.saved).isEmpty();
        room.machines.stop(room.settled(second), Optional.empty(), Optional.empty(), ME);
        room.settled(second);
        Machine third = room.machines.update(failed(), launch("web:3"), ME);
        assertThat(room.settled(third).state()).isEqualTo(MachineState.STARTED);
    }

    @Test
    void update_thatComesToNothing_leavesTheMachineInTheStateItWasIn() throws InterruptedException {
        assertThatThrownBy(() -> room.machines.update(machine, launch("nothing"), ME))
                .isInstanceOf(RejectedException.class);
        assertThat(room.settled(machine).state()).isEqualTo(MachineState.CREATED);
        Machine saved = suspended();
        assertThatThrownBy(() -> room.machines.update(saved, launch("nothing"), ME))
                .isInstanceOf(RejectedException.class);
        assertThat(room.settled(saved).state()).isEqualTo(MachineState.SUSPENDED);
        assertThat(room.runtime.saved).contains(machine.id());
        assertThat(room.machines.events(machine.id(), 1).getFirst())
                .satisfies(e -> assertThat(e.type()).isEqualTo("update_failed"))
                .satisfies(e -> assertThat(e.status()).isEqualTo("suspended"));
        room.machines.stop(saved, Optional.empty(), Optional.empty(), ME);
        room.settled(saved);
        Machine failed = failed();
        assertThatThrownBy(() -> room.machines.update(failed, launch("nothing"), ME))
                .isInstanceOf(RejectedException.class);
        assertThat(room.settled(failed).state()).isEqualTo(MachineState.FAILED);
    }

    @Test
    void image_thatIsNotThere_isRefusedByItsField() {
        assertThatThrownBy(() -> room.machines.update(machine, change("nothing", Optional.empty()), ME))
                .hasMessageContaining("config.image: there is no image nothing");
        Machines.UpdateRequest inside = new Machines.UpdateRequest(
                TestHost.config(
                        "{\"image\":\"web\",\"containers\":[{\"name\":\"a\"},{\"name\":\"b\",\"image\":\"gone\"}]}"),
                Optional.empty(),
                false,
                Optional.empty());
        assertThatThrownBy(() -> room.machines.update(machine, inside, ME))
                .hasMessageContaining("config.containers[1].image: there is no image gone");
    }

    @Test
    void destroyed_cannotBeCordonedNorSpokenTo() throws InterruptedException {
        room.machines.destroy(machine, true, ME);
        room.machines
                .waits()
                .await(machine, wanted(Set.of(MachineState.DESTROYED), Optional.empty()), Duration.ofSeconds(10));
        Machine gone = room.machines.get("app", machine.id());
        assertThatThrownBy(() -> room.machines.cordon(gone, true, ME))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.NOT_FOUND));
        assertThatThrownBy(() -> room.machines.guest(gone))
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.NOT_FOUND));
    }

    /** A program that ends again and again; its pauses between two starts are long by the time this returns. */
    private Machine looping(int retries) throws InterruptedException {
        room.runtime.failing = true;
        Machine m = room.machines.update(
                machine,
                new Machines.UpdateRequest(
                        TestHost.config("{\"image\":\"web\",\"restart\":{\"max_retries\":" + retries + "}}"),
                        Optional.empty(),
                        true,
                        Optional.empty()),
                ME);
        Poll.until(
                Duration.ofSeconds(20),
                Duration.ofMillis(10),
                "some restarts",
                () -> room.machines.find(m.id()).orElseThrow().restarts() >= Math.min(3, retries));
        return room.machines.find(m.id()).orElseThrow();
    }

    /** Its restart would have been called off for something that was not done then. */
    @Test
    void verb_thatIsRefused_leavesARestartingMachineToItsPolicy() throws InterruptedException {
        Machine looping = looping(1_000);
        assertThatThrownBy(() ->
                        room.machines.update(looping, change("web", Optional.of("01ARZ3NDEKTSV4RRFFQ69G5FAV")), ME))
                .isInstanceOfSatisfying(
                        RejectedException.class, e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.STALE));
        room.runtime.failing = false;
        room.machines
                .waits()
                .await(looping, wanted(Set.of(MachineState.STARTED), Optional.empty()), Duration.ofSeconds(20));
        room.machines.suspend(room.machines.find(machine.id()).orElseThrow(), ME);
        assertThat(room.settled(looping).state()).isEqualTo(MachineState.SUSPENDED);
    }

    @Test
    void restart_thatAStopEnds_isNotedAsAStop() throws InterruptedException {
        Machine looping = looping(1_000);
        room.machines.stop(looping, Optional.empty(), Optional.empty(), ME);
        assertThat(room.settled(looping).state()).isEqualTo(MachineState.STOPPED);
        assertThat(room.machines.events(machine.id(), 1).getFirst().type()).isEqualTo("stop");
    }

    @Test
    void start_ofWhatWasRestartedTooOften_givesItsRetriesAgain() throws InterruptedException {
        Machine failed = looping(2);
        room.machines
                .waits()
                .await(failed, wanted(Set.of(MachineState.FAILED), Optional.empty()), Duration.ofSeconds(20));
        Ulid before = room.machines.events(machine.id(), 1).getFirst().id();
        room.machines.start(room.machines.find(machine.id()).orElseThrow(), ME);
        room.machines
                .waits()
                .await(
                        failed,
                        new MachineWaiter.Wanted(
                                Set.of(MachineState.FAILED), false, false, Optional.empty(), Optional.of(before)),
                        Duration.ofSeconds(20));
        assertThat(room.machines.events(machine.id(), 20).stream()
                        .filter(e -> e.type().equals("exit") && e.id().compareTo(before) > 0)
                        .map(e -> e.request().path("restart_count").intValue()))
                .containsExactly(2, 1, 0);
    }

    /** As clients of that API read it: the guest is stopped, whatever becomes of the machine. */
    @Test
    void exit_isNotedWithAllThatClientsLookFor() throws InterruptedException {
        Machine second = room.machines.update(
                machine,
                new Machines.UpdateRequest(
                        TestHost.config(
                                "{\"image\":\"web\",\"restart\":{\"policy\":\"on-failure\",\"max_retries\":1}}"),
                        Optional.empty(),
                        true,
                        Optional.empty()),
                ME);
        Ulid before =
                room.machines.events(room.settled(second).id(), 1).getFirst().id();
        ExitStatus three = new ExitStatus(3, 0, false);
        room.runtime.running.get(machine.id()).exit.complete(three);
        room.machines
                .waits()
                .await(
                        second,
                        new MachineWaiter.Wanted(
                                Set.of(MachineState.STARTED), false, false, Optional.empty(), Optional.of(before)),
                        Duration.ofSeconds(10));
        room.runtime.running.get(machine.id()).exit.complete(three);
        MachineWaiter.Seen end = room.machines
                .waits()
                .await(
                        second,
                        new MachineWaiter.Wanted(
                                Set.of(MachineState.FAILED), false, false, Optional.empty(), Optional.of(before)),
                        Duration.ofSeconds(10));
        assertThat(end.state()).isEqualTo("failed");
        List<MachineEvent> exits = room.machines.events(machine.id(), 20).stream()
                .filter(e -> e.type().equals("exit"))
                .toList();
        assertThat(exits).hasSize(2).allSatisfy(e -> {
            assertThat(e.status()).isEqualTo("stopped");
            assertThat(e.source()).isEqualTo("flyd");
            JsonNode exit = e.request().path("exit_event");
            assertThat(exit.path("exit_code").intValue()).isEqualTo(3);
            assertThat(exit.path("guest_exit_code").intValue()).isEqualTo(3);
            assertThat(exit.path("signal").intValue()).isEqualTo(-1);
            assertThat(exit.path("guest_signal").intValue()).isEqualTo(-1);
            assertThat(exit.path("requested_stop").booleanValue()).isFalse();
            assertThat(exit.path("oom_killed").booleanValue()).isFalse();
            assertThat(Instant.parse(exit.path("exited_at").stringValue())).isAfter(machine.created());
        });
        assertThat(exits)
                .extracting(
                        e -> e.request().path("exit_event").path("restarting").booleanValue())
                .containsExactly(false, true);
        assertThat(exits)
                .extracting(e -> e.request().path("restart_count").intValue())
                .containsExactly(1, 0);
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
                        RejectedException.class, e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.STALE));
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
                                new MachineWaiter.Wanted(Set.of(), true, false, Optional.of(old), Optional.empty()),
                                SOON)
                        .state())
                .isEqualTo("replaced");
        assertThatThrownBy(() -> room.machines
                        .waits()
                        .await(second, wanted(Set.of(MachineState.STARTED), Optional.of(old)), Duration.ofSeconds(9)))
                .hasMessageContaining("has replaced that one");
        Ulid strange = new IdGenerator(new SystemClock(), Rng.seeded(1)).ulid();
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
                        RejectedException.class,
                        e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.TIMEOUT))
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
        MachineWaiter.Seen started = room.machines
                .waits()
                .await(
                        machine,
                        new MachineWaiter.Wanted(
                                Set.of(MachineState.STARTED), false, false, Optional.empty(), Optional.of(before)),
                        Duration.ofSeconds(10));
        room.machines.stop(room.machines.find(machine.id()).orElseThrow(), Optional.empty(), Optional.empty(), ME);
        room.machines
                .waits()
                .await(machine, wanted(Set.of(MachineState.STOPPED), Optional.empty()), Duration.ofSeconds(10));
        MachineWaiter.Wanted again = new MachineWaiter.Wanted(
                Set.of(MachineState.STARTED), false, false, Optional.empty(), Optional.of(before));
        assertThat(room.machines.waits().await(machine, again, SOON).state()).isEqualTo("started");
        MachineWaiter.Wanted later =
                new MachineWaiter.Wanted(Set.of(MachineState.STARTED), false, false, Optional.empty(), started.event());
        assertThatThrownBy(() -> room.machines.waits().await(machine, later, SOON))
                .hasMessageContaining("did not become started");
    }
}
