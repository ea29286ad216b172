package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever looks for a guest that an earlier daemon left, while somebody starts it. */
class GuestAdoptionRaceTest {
    private static final MachineId MACHINE = MachineId.of(0xad0b7);

    @TempDir
    Path folder;

    @Test
    void find_whileAStartLoadsSavedMemory_leavesItAlone() throws Exception {
        try (SystemTimers timers = new SystemTimers();
                RuntimeResources resources = new RuntimeResources(
                        RuntimeConfig.of(folder, GuestBinary.tools(), NetworkConfig.closed("race")),
                        new SystemClock(),
                        timers)) {
            MicroVmRuntime runtime = new MicroVmRuntime(resources);
            MemoryCheckpoint memory = VmPaths.of(resources, MACHINE).memory();
            Files.createDirectories(memory.home());
            Files.writeString(memory.saved(), "memory");
            ReentrantLock lock = resources.volumeLock(MACHINE);
            lock.lock(); // as a start does, before it takes the memory
            Thread finder;
            try {
                memory.load();
                finder = Thread.ofPlatform()
                        .start(() -> assertThat(runtime.find(MACHINE)).isEmpty());
                Poll.until(
                        Duration.ofSeconds(20),
                        Duration.ofMillis(1),
                        "the finder to wait or to end",
                        () -> lock.hasQueuedThread(finder) || !finder.isAlive());
                assertThat(memory.loading()).exists();
                memory.goOn();
            } finally {
                lock.unlock();
            }
            finder.join();
            assertThat(memory.resuming()).exists();
        }
    }

    /** Guests open and close files all the time: one that is gone says nothing about the others. */
    @Test
    void layer_isFoundBesideDescriptorsThatVanish() throws Exception {
        Path descriptors = Files.createDirectory(folder.resolve("fd"));
        Path layer = folder.resolve("runsc-filestore-1");
        Files.write(layer, new byte[64 << 10]);
        for (int i = 0; i < 40; i++) {
            Files.createFile(descriptors.resolve("" + i)); // no link, as one that was closed since is none
        }
        Files.createSymbolicLink(descriptors.resolve("99"), layer);
        assertThat(GVisorGuest.layerBytes(descriptors)).isGreaterThanOrEqualTo(64 << 10);
        assertThat(GVisorGuest.layerBytes(folder.resolve("gone"))).isEqualTo(-1);
    }
}
