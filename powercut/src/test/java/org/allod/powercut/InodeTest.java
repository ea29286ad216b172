package org.allod.powercut;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.allod.base.Rng;
import org.junit.jupiter.api.Test;

/** What a disk may hold of one file, and what it may not. */
class InodeTest {
    private static final int SECTOR = Inode.SECTOR;

    private static DiskOperation.Write write(Inode file, long at, int length, int value) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) value);
        DiskOperation.Write op = new DiskOperation.Write("f", at, data);
        file.begin(op);
        return op;
    }

    private static void flush(Inode file) {
        file.flushed(file.mark());
    }

    /** Each file that three hundred draws give, as one character a sector (its first byte). */
    private static Set<String> draws(Inode file) {
        Set<String> found = new HashSet<>();
        for (int seed = 0; seed < 300; seed++) {
            Rng rng = Rng.seeded(seed);
            byte[] content = file.cut(CutPolicy.draw(rng), rng);
            StringBuilder sectors = new StringBuilder();
            for (int at = 0; at < content.length; at += SECTOR) {
                sectors.append(content[at]);
            }
            found.add(sectors.toString());
        }
        return found;
    }

    @Test
    void flushedWrite_isAlwaysThere() {
        Inode file = new Inode();
        file.onReturn(write(file, 0, 2 * SECTOR, 1));
        flush(file);
        assertThat(draws(file)).containsExactly("11");
    }

    @Test
    void writeUnderWay_whenTheFlushBegan_isNotFlushed() {
        Inode file = new Inode();
        write(file, 0, SECTOR, 1);
        flush(file);
        assertThat(draws(file)).contains("", "1");
    }

    @Test
    void unflushedWrites_areKeptLostAndTorn_butNoSectorGoesBackBehindTheFlush() {
        Inode file = new Inode();
        file.onReturn(write(file, 0, 2 * SECTOR, 1));
        flush(file);
        file.onReturn(write(file, 0, 2 * SECTOR, 2));
        file.onReturn(write(file, SECTOR, SECTOR, 3));
        assertThat(draws(file)).containsExactlyInAnyOrder("11", "12", "13", "21", "22", "23");
    }

    /** A page that was written twice is written out as it is then: the second call never without the first. */
    @Test
    void twoWritesToOneSector_areSeenInTheirOrder() {
        Inode file = new Inode();
        file.onReturn(write(file, 0, SECTOR, 1));
        flush(file);
        file.onReturn(write(file, 0, 8, 2));
        file.onReturn(write(file, 8, 8, 3));
        Set<String> found = new HashSet<>();
        for (int seed = 0; seed < 300; seed++) {
            Rng rng = Rng.seeded(seed);
            byte[] content = file.cut(CutPolicy.draw(rng), rng);
            found.add(content[0] + "" + content[8]);
        }
        assertThat(found).containsExactlyInAnyOrder("11", "21", "23");
    }

    /** What the kernel could not write it takes for written: a later flush that succeeds says nothing of it. */
    @Test
    void failedFlush_losesWhatItHadToFlushUnlessThatIsWrittenAgain() {
        Inode file = new Inode();
        file.onReturn(write(file, 0, 2 * SECTOR, 1));
        flush(file);
        file.onReturn(write(file, 0, 2 * SECTOR, 2));
        file.flushFailed(file.mark());
        file.onReturn(write(file, SECTOR, SECTOR, 3));
        flush(file);
        assertThat(draws(file)).containsExactly("13");
        assertThat(file.whole()[0]).as("whoever reads sees it").isEqualTo((byte) 2);
        file.onReturn(write(file, 0, SECTOR, 2));
        flush(file);
        assertThat(draws(file)).containsExactly("23");
    }

    @Test
    void sizeThatWasNotFlushed_mayBeLostWithTheDataBehindIt() {
        Inode file = new Inode();
        file.onReturn(write(file, 0, SECTOR, 1));
        flush(file);
        file.onReturn(write(file, SECTOR, SECTOR, 2));
        assertThat(draws(file)).containsExactlyInAnyOrder("1", "10", "12");
    }
}
