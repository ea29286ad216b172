package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.allod.powercut.PowerCuts;
import org.allod.powercut.Recording;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Saved memory is complete, exists once that was acknowledged, and is never executed twice, also after any power cut.
 */
class SavedMemoryTest {
    private static final int CUTS = 200;
    /** Cuts within which a planted fault must be found. */
    private static final int PATIENCE = 100;

    @TempDir
    Path dir;

    private Recording record(String form) throws Exception {
        Path root = dir.resolve("root");
        Path ledger = dir.resolve("ledger");
        var recorder = new Recording.Recorder(root, ledger, dir.resolve("trace"));
        assertThat(recorder.run(SavedMemoryChild.class, root.resolve("home").toString(), ledger.toString(), form))
                .isZero();
        return recorder.end();
    }

    @Test
    void file_afterAnyPowerCut_isNotExecutedTwice() throws Exception {
        PowerCuts.test("runtime SavedMemoryTest", CUTS, () -> record("file"), SavedMemoryTest::check);
    }

    @Test
    void folder_afterAnyPowerCut_isNotExecutedTwice() throws Exception {
        PowerCuts.test("runtime SavedMemoryTest", CUTS, () -> record("folder"), SavedMemoryTest::check);
    }

    /** The recording of a true program, on a disk that does not hear one kind of its flushes. */
    @Test
    void plantedFault_flushesUnheard_areFound() throws Exception {
        Recording recording = record("folder");
        for (Recording faulty : List.of(
                recording.ignoring("home"::equals),
                recording.ignoring(path -> path.endsWith("/saving")),
                recording.ignoring(path -> path.endsWith("pages.img")))) {
            assertThatThrownBy(() -> PowerCuts.replay(faulty, 1, PATIENCE, SavedMemoryTest::check))
                    .isInstanceOf(AssertionError.class)
                    .satisfies(e -> System.out.println("planted fault found: " + e.getMessage()));
        }
    }

    /** Looks at what is left as a daemon after the power cut does: no guest runs. */
    private static void check(Path root, List<String> acknowledged) throws IOException {
        MemoryCheckpoint memory = new MemoryCheckpoint(root.resolve("home"));
        if (memory.beingLoaded()) {
            memory.putBack();
        }
        String last = acknowledged.isEmpty() ? "" : acknowledged.getLast();
        if (memory.exists()) {
            int found = generation(memory.saved());
            assertThat(acknowledged).as("memory %d", found).doesNotContain("spent " + found);
            if (last.startsWith("saved ")) {
                assertThat(found).isEqualTo(Integer.parseInt(last.substring(6)));
            }
        } else {
            assertThat(last).as("nothing is saved").doesNotStartWith("saved ");
        }
        memory.discard();
        assertThat(List.of(memory.saved(), memory.saving(), memory.loading(), memory.resuming()))
                .noneMatch(Files::exists);
    }

    /** Which memory it is, whole. */
    private static int generation(Path saved) throws IOException {
        List<Path> files = Files.isDirectory(saved)
                ? SavedMemoryChild.FILES.stream().map(saved::resolve).toList()
                : List.of(saved);
        int first = Files.readAllBytes(files.getFirst())[0];
        for (Path file : files) {
            assertThat(Arrays.equals(Files.readAllBytes(file), SavedMemoryChild.content(first)))
                    .as("%s is whole", file.getFileName())
                    .isTrue();
        }
        return first;
    }

    @Test
    void names_tellHowFarThingsWere() throws Exception {
        MemoryCheckpoint memory = new MemoryCheckpoint(Files.createDirectories(dir.resolve("machine/runtime")));
        Files.writeString(memory.saving(), "x");
        assertThat(memory.hasBegun()).isTrue();
        memory.finish();
        assertThat(memory.exists()).isTrue();
        assertThat(memory.load()).hasContent("x");
        assertThat(memory.exists()).isFalse();
        memory.putBack();
        assertThat(memory.exists()).isTrue();
        memory.load();
        assertThat(memory.goOn()).hasContent("x");
        assertThat(memory.exists() || memory.beingLoaded()).isFalse();
        assertThat(memory.isResuming()).isTrue();
        memory.removeUsed();
        assertThat(memory.home()).isEmptyDirectory();
    }

    /** After a reboot whoever wrote is gone, and what it wrote may be torn anywhere. */
    @Test
    void saving_ofAnEarlierBoot_isNotTakenForWhole() throws Exception {
        MemoryCheckpoint memory = new MemoryCheckpoint(Files.createDirectories(dir.resolve("machine/gvisor")));
        Files.writeString(memory.begin().resolve("checkpoint.img"), "half");
        assertThat(GVisorRuntime.written(memory)).isTrue();
        Files.writeString(memory.home().resolve("saving-boot"), "another boot");
        assertThat(GVisorRuntime.written(memory)).isFalse();
        Files.delete(memory.home().resolve("saving-boot"));
        assertThat(GVisorRuntime.written(memory)).isFalse();
        memory.discard();
        assertThat(memory.home()).isEmptyDirectory();
    }
}
