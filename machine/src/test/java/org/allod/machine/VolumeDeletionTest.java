package org.allod.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.base.VirtualTime;
import org.allod.fsm.Engine;
import org.allod.fsm.EngineOptions;
import org.allod.fsm.FsmSchema;
import org.allod.runtime.QuiesceMode;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is being copied is not deleted, and what is being deleted is not copied. */
class VolumeDeletionTest {
    private static final VolumeId VOLUME = new VolumeId("vol_0123456789abcdef");
    private static final SnapshotId SNAPSHOT = new SnapshotId("vs_0123456789abcdef");

    @TempDir
    Path folder;

    private final VirtualTime time = new VirtualTime(Instant.parse("2026-01-01T00:00:00Z"));

    private Volume volume(VolumeState state) {
        return new Volume(
                VOLUME,
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
    }

    @Test
    void copyAndDeletion_ofOneVolume_excludeEachOther() throws Exception {
        try (Database database = Database.open(
                folder.resolve("host.db"),
                DatabaseOptions.defaults(),
                List.of(FsmSchema.schema(), MachineSchema.SCHEMA, VolumeSchema.SCHEMA))) {
            VolumeIndex book = new VolumeIndex(new VolumeTable(database));
            book.declareInOrder();
            VolumeFiles files = new VolumeFiles(folder);
            VolumeAccess use = new VolumeAccess(book, files, VolumeKeyStore.NONE);
            MachineIndex machines = new MachineIndex();
            GuestSpecFactory specs = new GuestSpecFactory(
                    new FakeImages(), Map.of("gvisor", new FakeRuntime()), SecretSource.NONE, 7, use);
            GuestRegistry guests = new GuestRegistry(specs);
            IdGenerator ids = new IdGenerator(time, Rng.seeded(1));
            Engine engine = Engine.on(database, time, time, Rng.seeded(2), ids, EngineOptions.defaults(), e -> {});
            Volumes volumes = new Volumes(
                    engine,
                    new AppTable(database, time),
                    new VolumeRuns(book, files, use, VolumeKeyStore.NONE, machines, specs, guests, time),
                    book,
                    files,
                    use,
                    VolumeKeyStore.NONE,
                    machines,
                    guests,
                    "local",
                    time,
                    ids);
            book.put(volume(VolumeState.CREATED));
            var how = use.whileStill(VOLUME, machines, specs, still -> {
                assertThatThrownBy(() -> volumes.delete(volume(VolumeState.CREATED)))
                        .isInstanceOf(RejectedException.class)
                        .hasMessageContaining("a copy of volume " + VOLUME);
                assertThat(book.get(VOLUME).orElseThrow().state()).isEqualTo(VolumeState.CREATED);
                return still;
            });
            assertThat(how).isEqualTo(QuiesceMode.IDLE);
            book.put(volume(VolumeState.DESTROYING));
            assertThatThrownBy(() -> use.whileStill(VOLUME, machines, specs, still -> still))
                    .isInstanceOf(RejectedException.class)
                    .hasMessageContaining("is being deleted");
            boolean kept = use.whileKept(
                    SNAPSHOT,
                    () -> !use.removed(SNAPSHOT, () -> {
                        throw new AssertionError("removed while a volume is made from it");
                    }));
            assertThat(kept).isTrue();
            assertThat(use.removed(SNAPSHOT, () -> {})).isTrue();
        }
    }
}
