package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.SystemTimers;
import org.allod.base.VirtualTime;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Recovery that fails at first, and those who come meanwhile. */
class VolumeRecoveryTest {
    private static final VolumeId BAD = new VolumeId("vol_0123456789abcdef");
    private static final VolumeId HALF = new VolumeId("vol_1123456789abcdef");
    private static final MachineId MACHINE = MachineId.of(7);
    private static final MachineConfig TWO =
            TestHost.config("{\"image\":\"web\",\"mounts\":[{\"name\":\"one\",\"path\":\"/a\",\"size_gb\":1},"
                    + "{\"name\":\"two\",\"path\":\"/b\",\"size_gb\":1}]}");

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));
    private final SystemTimers timers = new SystemTimers();
    private Database database;
    private VolumeIndex book;
    private VolumeFiles files;
    private VolumeAttachments attachments;
    private Volumes volumes;
    private VolumeRecovery recovery;
    private LifecycleDispatcher dispatcher;

    @BeforeEach
    void open() {
        database = Database.open(
                folder.resolve("host.db"),
                DatabaseOptions.defaults(),
                List.of(FsmSchema.schema(), MachineSchema.SCHEMA, VolumeSchema.SCHEMA));
        book = new VolumeIndex(new VolumeTable(database));
        files = new VolumeFiles(folder);
        VolumeAccess use = new VolumeAccess(book, files, VolumeKeyStore.NONE);
        MachineIndex machines = new MachineIndex();
        GuestSpecFactory specs =
                new GuestSpecFactory(new FakeImages(), Map.of("gvisor", new FakeRuntime()), SecretSource.NONE, 7, use);
        GuestRegistry guests = new GuestRegistry(specs);
        IdGenerator ids = new IdGenerator(time, Rng.seeded(1));
        Engine engine = Engine.on(database, time, time, Rng.seeded(2), ids, EngineOptions.defaults(), e -> {});
        VolumeRuns runs = new VolumeRuns(book, files, use, VolumeKeyStore.NONE, machines, specs, guests, time);
        runs.types().forEach(engine::register);
        AppTable apps = new AppTable(database, time);
        apps.create("app", Optional.empty());
        volumes = new Volumes(
                engine, apps, runs, book, files, use, VolumeKeyStore.NONE, machines, guests, "local", time, ids);
        attachments = new VolumeAttachments(book, use, machines, time);
        recovery = new VolumeRecovery(engine, runs, book, files, VolumeKeyStore.NONE, attachments, time);
        MachineRecords records = new MachineRecords(new MachineTable(database), machines, time, ids);
        GuestOperations steps = new GuestOperations(
                records, machines, specs, guests, TrafficDrain.NONE, new BootAdmission(2, timers), time);
        LifecycleRunTypes lifecycle =
                new LifecycleRunTypes(records, machines, steps, specs, attachments::settle, t -> {}, time);
        lifecycle.types().forEach(engine::register);
        dispatcher = new LifecycleDispatcher(
                engine,
                records,
                machines,
                lifecycle,
                new Leases(new LeaseTable(database), time, id -> true),
                guests,
                time);
    }

    @AfterEach
    void close() {
        database.close();
        timers.close();
    }

    private Volume volume(VolumeId id, VolumeState state, Optional<MachineId> attached) {
        Volume volume = new Volume(
                id,
                "app",
                "data",
                "local",
                1,
                false,
                state,
                Optional.empty(),
                Optional.empty(),
                true,
                5,
                Optional.empty(),
                time.wall(),
                time.wall());
        return attached.isEmpty() ? volume : volume.withAttachment(attached, Optional.of("gvisor"), time.wall());
    }

    private static void refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable change) {
        assertThatThrownBy(change)
                .isInstanceOfSatisfying(
                        RejectedException.class,
                        e -> assertThat(e.reason()).isEqualTo(RejectedException.Reason.CAPACITY))
                .hasMessageContaining("not in order yet");
    }

    @Test
    void recoveryThatFailsForOneVolume_settlesTheOthers_andNothingBeginsUntilAllIsInOrder() throws Exception {
        Volume left = volume(BAD, VolumeState.CREATED, Optional.of(MACHINE));
        book.put(left);
        book.put(volume(HALF, VolumeState.CREATING, Optional.empty()));
        // What cannot be deleted: a folder where a file was.
        Path wrong = Files.createDirectories(files.image(HALF).resolve("in the way"));
        VolumeId third = new VolumeId("vol_2123456789abcdef");
        book.put(volume(third, VolumeState.EXTENDING, Optional.empty()));
        assertThatThrownBy(() -> recovery.settle(dispatcher)).isInstanceOf(RuntimeException.class);
        assertThat(book.get(BAD).orElseThrow().attached())
                .as("of a machine that is not there")
                .isEmpty();
        assertThat(book.get(third).orElseThrow().state()).isEqualTo(VolumeState.CREATED);
        assertThat(book.get(HALF)).isPresent();

        App app = new AppTable(database, time).get("app");
        Volume free = book.get(BAD).orElseThrow();
        refused(() -> volumes.create(app, Volumes.Request.empty("fresh", 1, false)));
        refused(() -> volumes.snapshot(free, false));
        refused(() -> volumes.delete(free));
        refused(() -> volumes.extend(free, 2));
        refused(() -> attachments.claim("app", MACHINE, "gvisor", TWO));
        attachments.claim("app", MACHINE, "gvisor", TestHost.config("{\"image\":\"web\"}"));

        Files.delete(wrong);
        Files.delete(files.image(HALF));
        recovery.settle(dispatcher);
        book.checkInOrder();
        assertThat(book.get(HALF)).isEmpty();
        assertThat(book.all()).extracting(Volume::id).containsExactlyInAnyOrder(BAD, third);
    }

    @Test
    void claim_thatIsInterrupted_deletesWhatItHasMade() throws Exception {
        book.declareInOrder();
        List<VolumeId> removed = new java.util.ArrayList<>();
        VolumeClaims claims = new VolumeClaims(
                attachments,
                (app, name, size, encrypted) -> {
                    if (name.equals("two")) {
                        throw new InterruptedException();
                    }
                    Volume made = volume(BAD, VolumeState.CREATED, Optional.empty());
                    book.put(made);
                    return made;
                },
                volume -> removed.add(volume.id()));
        assertThatThrownBy(() -> claims.claim("app", MACHINE, "gvisor", TWO)).isInstanceOf(InterruptedException.class);
        assertThat(removed).containsExactly(BAD);
        assertThat(book.get(BAD).orElseThrow().attached()).as("let go of first").isEmpty();
    }
}
