package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.allod.fsm.RunResult;
import org.allod.fsm.RunType;
import org.allod.fsm.RunTypeHarness;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every run type of volumes through failures, crashes and repeats at every point, on real files. Whatever happened, a
 * volume is whole or there is nothing of it.
 */
class VolumeHarnessTest {
    private static final VolumeId VOLUME = new VolumeId("vol_0123456789abcdef");
    private static final VolumeId COPY = new VolumeId("vol_copy456789abcdef");
    private static final SnapshotId SNAPSHOT = new SnapshotId("vs_0123456789abcdef");
    private static final String CONTENT = "what somebody wrote";

    @TempDir
    static Path folder;

    private static int hosts;

    /** The parts of this room that volumes need, rebuilt at will as a restarted daemon would. */
    private static final class Host implements AutoCloseable {
        final Path data;
        final Database database;
        final Clock clock;
        VolumeIndex volumes;
        VolumeFiles files;
        VolumeRuns runs;

        Host(Clock clock) {
            data = folder.resolve("host" + hosts++);
            try {
                Files.createDirectories(data);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            this.clock = clock;
            database = Database.open(
                    data.resolve("host.db"),
                    DatabaseOptions.defaults(),
                    List.of(MachineSchema.SCHEMA, VolumeSchema.SCHEMA));
            restart();
        }

        void restart() {
            volumes = new VolumeIndex(new VolumeTable(database));
            volumes.declareInOrder();
            files = new VolumeFiles(data);
            VolumeAccess use = new VolumeAccess(volumes, files, VolumeKeyStore.NONE);
            MachineIndex index = new MachineIndex();
            GuestSpecFactory specs = new GuestSpecFactory(
                    new FakeImages(), Map.of("gvisor", new FakeRuntime()), SecretSource.NONE, 7, use);
            runs = new VolumeRuns(
                    volumes, files, use, VolumeKeyStore.NONE, index, specs, new GuestRegistry(specs), clock);
        }

        Volume record(VolumeId id, VolumeState state) {
            return new Volume(
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
                    clock.wall(),
                    clock.wall());
        }

        /** A volume with content, without the time that making a file system takes. */
        void has(VolumeId id, VolumeState state) {
            volumes.put(record(id, state));
            write(files.image(id));
        }

        static void write(Path image) {
            try {
                Files.createDirectories(image.getParent());
                try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                    file.setLength(Volume.GIB);
                    file.seek(1 << 20);
                    file.write(CONTENT.getBytes(StandardCharsets.UTF_8));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        static void hasContent(Path image) {
            byte[] found = new byte[CONTENT.length()];
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
                file.seek(1 << 20);
                file.readFully(found);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            assertThat(new String(found, StandardCharsets.UTF_8)).isEqualTo(CONTENT);
        }

        /** Nothing half made, and files exactly where records say. */
        void whole() {
            try (Stream<Path> all = Files.walk(data)) {
                assertThat(all.filter(p -> p.toString().endsWith(".half"))).isEmpty();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            for (VolumeId id : List.of(VOLUME, COPY)) {
                Optional<Volume> v = volumes.get(id);
                v.ifPresent(there -> assertThat(there.state()).isEqualTo(VolumeState.CREATED));
                assertThat(Files.exists(files.image(id))).as("disk of %s", id).isEqualTo(v.isPresent());
            }
            Optional<VolumeSnapshot> s = volumes.snapshot(SNAPSHOT);
            s.ifPresent(there -> assertThat(there.ready()).isTrue());
            assertThat(Files.exists(files.image(SNAPSHOT))).isEqualTo(s.isPresent());
        }

        @Override
        public void close() {
            database.close();
        }
    }

    private record World<Q>(
            Host host,
            VolumeId id,
            Function<VolumeRuns, RunType<Q, VolumeRequests.Progress>> pick,
            Q job,
            Consumer<Host> done)
            implements RunTypeHarness.World<Q, VolumeRequests.Progress> {
        @Override
        public RunType<Q, VolumeRequests.Progress> type() {
            host.restart();
            return pick.apply(host.runs);
        }

        @Override
        public String subject() {
            return id.text();
        }

        @Override
        public Q request() {
            return job;
        }

        @Override
        public void completed(RunResult result) {
            host.whole();
            done.accept(host);
            host.close();
        }

        @Override
        public void halted(RunResult result) {
            host.whole();
            host.close();
        }
    }

    private static <Q> void check(
            VolumeId id,
            Consumer<Host> before,
            Function<VolumeRuns, RunType<Q, VolumeRequests.Progress>> pick,
            Q job,
            Consumer<Host> done) {
        var report = RunTypeHarness.check((VirtualTime time) -> {
            Host host = new Host(time);
            before.accept(host);
            return new World<>(host, id, pick, job, done);
        });
        assertThat(report.scenarios()).hasSizeGreaterThan(8);
    }

    @Test
    void create_disturbedAnywhere_isWholeOrNothing() {
        check(
                VOLUME,
                host -> host.volumes.put(host.record(VOLUME, VolumeState.CREATING)),
                r -> r.create,
                new VolumeRequests.Simple(VOLUME.text()),
                host -> assertThat(org.allod.linux.Ext4.read(host.files.image(VOLUME))
                                .orElseThrow()
                                .bytes())
                        .isEqualTo(Volume.GIB));
    }

    @Test
    void fork_disturbedAnywhere_hasTheContentOrIsNothing() {
        check(
                COPY,
                host -> {
                    host.has(VOLUME, VolumeState.CREATED);
                    host.volumes.put(host.record(COPY, VolumeState.CREATING));
                },
                r -> r.fork,
                new VolumeRequests.Fill(COPY.text(), VOLUME.text()),
                host -> {
                    Host.hasContent(host.files.image(COPY));
                    Host.hasContent(host.files.image(VOLUME));
                    assertThat(host.volumes.get(COPY).orElseThrow().copy()).isPresent();
                });
    }

    @Test
    void restore_disturbedAnywhere_hasTheContentOrIsNothing() {
        check(
                COPY,
                host -> {
                    host.volumes.put(snapshot(host, true));
                    Host.write(host.files.image(SNAPSHOT));
                    host.volumes.put(host.record(COPY, VolumeState.CREATING));
                },
                r -> r.restore,
                new VolumeRequests.Fill(COPY.text(), SNAPSHOT.text()),
                host -> Host.hasContent(host.files.image(COPY)));
    }

    private static VolumeSnapshot snapshot(Host host, boolean ready) {
        return new VolumeSnapshot(
                SNAPSHOT,
                VOLUME,
                "app",
                ready,
                0,
                1,
                false,
                Optional.empty(),
                5,
                false,
                Optional.empty(),
                host.clock.wall());
    }

    @Test
    void snapshot_disturbedAnywhere_isWholeOrNothing() {
        check(
                VOLUME,
                host -> {
                    host.has(VOLUME, VolumeState.CREATED);
                    host.volumes.put(snapshot(host, false));
                },
                r -> r.snapshot,
                new VolumeRequests.Snapshot(VOLUME.text(), SNAPSHOT.text()),
                host -> Host.hasContent(host.files.image(SNAPSHOT)));
    }

    @Test
    void extend_disturbedAnywhere_hasOneSizeInRecordAndOnDisk() {
        check(
                VOLUME,
                host -> host.has(VOLUME, VolumeState.EXTENDING),
                r -> r.extend,
                new VolumeRequests.Extend(VOLUME.text(), 3),
                host -> {
                    assertThat(host.volumes.get(VOLUME).orElseThrow().sizeGb()).isEqualTo(3);
                    assertThat(host.files.image(VOLUME).toFile().length()).isEqualTo(3 * Volume.GIB);
                    Host.hasContent(host.files.image(VOLUME));
                });
    }

    @Test
    void delete_disturbedAnywhere_leavesNothing() {
        check(
                VOLUME,
                host -> host.has(VOLUME, VolumeState.DESTROYING),
                r -> r.delete,
                new VolumeRequests.Simple(VOLUME.text()),
                host -> {
                    assertThat(host.volumes.get(VOLUME)).isEmpty();
                    assertThat(host.volumes.find(VOLUME).orElseThrow().state()).isEqualTo(VolumeState.DESTROYED);
                    assertThat(host.files.volumes()).isEmpty();
                });
    }

    @Test
    void make_onAFullDisk_saysSo_andLeavesNothingBehind() throws Exception {
        Path full = folder.resolve("full");
        org.allod.linux.Mounts.mount("tmpfs", "size=64k", "none", full);
        try (Host host = new Host(new VirtualTime(java.time.Instant.parse("2026-01-01T00:00:00Z")))) {
            VolumeFiles files = new VolumeFiles(full);
            org.assertj.core.api.Assertions.assertThatThrownBy(
                            () -> files.make(host.record(VOLUME, VolumeState.CREATING), Optional.empty()))
                    .hasMessageContaining("No space left");
            files.delete(VOLUME);
            assertThat(files.volumes()).isEmpty();
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> files.reserveSpace("size_gb", 1 << 20, List::of))
                    .hasMessageContaining("size_gb");
        } finally {
            org.allod.linux.Mounts.unmount(full);
        }
    }

    @Test
    void roomIsPromisedOnce_howeverManyAskAtATime() throws Exception {
        Path disk = folder.resolve("disk");
        org.allod.linux.Mounts.mount("tmpfs", "size=4g", "none", disk);
        try {
            VolumeFiles files = new VolumeFiles(disk);
            try (VolumeFiles.Promise _ = files.reserveSpace("size_gb", 2 * Volume.GIB, List::of)) {
                assertThatThrownBy(() -> files.reserveSpace("size_gb", 2 * Volume.GIB, List::of))
                        .hasMessageContaining("volumes may still take 2048 MiB");
            }
            files.reserveSpace("size_gb", 2 * Volume.GIB, List::of).close();
        } finally {
            org.allod.linux.Mounts.unmount(disk);
        }
    }

    /** A copy that began before the volume was taken must not go on as if nobody had it. */
    @Test
    void copyOfAVolumeThatIsBeingTaken_isRefused_andTakingOneThatIsBeingCopiedToo() throws Exception {
        try (Host host = new Host(new VirtualTime(java.time.Instant.parse("2026-01-01T00:00:00Z")))) {
            host.has(VOLUME, VolumeState.CREATED);
            VolumeAccess use = new VolumeAccess(host.volumes, host.files, VolumeKeyStore.NONE);
            GuestSpecFactory specs = new GuestSpecFactory(
                    new FakeImages(), Map.of("gvisor", new FakeRuntime()), SecretSource.NONE, 7, use);
            VolumeAttachments attachments = new VolumeAttachments(host.volumes, use, new MachineIndex(), host.clock);
            MachineConfig config =
                    TestHost.config("{\"image\":\"web\",\"mounts\":[{\"name\":\"data\",\"path\":\"/d\"}]}");
            VolumeAttachments.Maker none = (app, name, size, encrypted) -> {
                throw new AssertionError("made one");
            };
            var how = use.whileStill(VOLUME, new MachineIndex(), specs, still -> {
                assertThatThrownBy(() -> attachments.claim("app", MachineId.of(1), "gvisor", config, none))
                        .hasMessageContaining("of which a copy is being made");
                return still;
            });
            assertThat(how).isEqualTo(org.allod.runtime.QuiesceMode.IDLE);

            var _ = attachments.claim("app", MachineId.of(1), "gvisor", config, none);
            assertThatThrownBy(() -> use.whileStill(VOLUME, new MachineIndex(), specs, still -> still))
                    .isInstanceOf(org.allod.base.RejectedException.class)
                    .hasMessageContaining("on its way to or from machine " + MachineId.of(1));
        }
    }

    @Test
    void deletedVolumesAreForgotten_butNotWhileTheyHaveSnapshots() throws Exception {
        try (Host host = new Host(new VirtualTime(java.time.Instant.parse("2026-01-01T00:00:00Z")))) {
            host.volumes.put(host.record(VOLUME, VolumeState.DESTROYED));
            host.volumes.put(host.record(COPY, VolumeState.DESTROYED));
            host.volumes.put(snapshot(host, true));
            host.database.write(
                    tx -> tx.update("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
                            + "INSERT INTO volume (id, app, state, updated, record) "
                            + "SELECT 'later' || i, 'app', 'destroyed', 9000000000000 + i, '{}' FROM n"));
            host.volumes.forgetOld();
            assertThat(host.volumes.find(COPY)).isEmpty();
            assertThat(host.volumes.find(VOLUME)).isPresent();
        }
    }

    /** A volume of another machine is never taken, whoever asks how. */
    @Test
    void attachments_ofTwoMachines_neverShareAVolume() throws Exception {
        try (Host host = new Host(new VirtualTime(java.time.Instant.parse("2026-01-01T00:00:00Z")))) {
            host.has(VOLUME, VolumeState.CREATED);
            VolumeAccess use = new VolumeAccess(host.volumes, host.files, VolumeKeyStore.NONE);
            VolumeAttachments attachments = new VolumeAttachments(host.volumes, use, new MachineIndex(), host.clock);
            MachineConfig config =
                    TestHost.config("{\"image\":\"web\",\"mounts\":[{\"name\":\"data\",\"path\":\"/d\"}]}");
            MachineId one = new IdGenerator(host.clock, Rng.seeded(1)).machine();
            MachineId two = MachineId.of(2);
            VolumeAttachments.Maker none = (app, name, size, encrypted) -> {
                throw new AssertionError("nobody asked for a volume");
            };
            MachineConfig claimed = attachments.claim("app", one, "gvisor", config, none);
            assertThat(claimed.mounts().getFirst().volume()).isEqualTo(VOLUME.text());
            assertThat(attachments.claim("app", one, "gvisor", config, none).mounts())
                    .isEqualTo(claimed.mounts());
            org.assertj.core.api.Assertions.assertThatThrownBy(
                            () -> attachments.claim("app", two, "gvisor", claimed, none))
                    .hasMessageContaining(one.text());
            org.assertj.core.api.Assertions.assertThatThrownBy(
                            () -> attachments.claim("app", two, "gvisor", config, none))
                    .hasMessageContaining("config.mounts[0].name");
            // Machine one was never recorded: after a crash its volume is free again.
            attachments.settle(one);
            assertThat(host.volumes.get(VOLUME).orElseThrow().attached()).isEmpty();
        }
    }
}
