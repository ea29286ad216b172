package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Memory that was freed, and that the C library keeps until it is told. */
class NativeHeapTest {
    private static final int BLOCK = 32 << 10;
    private static final int BLOCKS = 2_048;
    private static final long MIB = 1 << 20;

    @Test
    void trim_givesBackWhatABlockInUseKept() throws Exception {
        List<Arena> blocks = new ArrayList<>();
        long before = residentBytes();
        for (int i = 0; i < BLOCKS; i++) {
            Arena block = Arena.ofConfined();
            blocks.add(block);
            assertThat(block.allocate(BLOCK).get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0))
                    .isZero();
        }
        Arena top = Arena.ofConfined();
        assertThat(top.allocate(BLOCK).byteSize()).isEqualTo(BLOCK);
        assertThat(residentBytes() - before).isGreaterThan(48 * MIB);
        blocks.forEach(Arena::close);
        long kept = residentBytes();

        assertThat(NativeHeap.trim()).isTrue();

        assertThat(kept - residentBytes()).isGreaterThan(32 * MIB);
        top.close();
    }

    private static long residentBytes() throws Exception {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("RssAnon:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElseThrow();
    }
}
