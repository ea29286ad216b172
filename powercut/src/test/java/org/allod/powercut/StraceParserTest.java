package org.allod.powercut;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lines of {@code strace} as operations on one folder; what we do not know ends the recording. */
class StraceParserTest {
    @TempDir
    Path dir;

    private List<CutPoint> read(String... lines) throws Exception {
        Path file = dir.resolve("trace");
        Files.write(file, List.of(lines));
        return StraceParser.read(file, Path.of("/r"), Path.of("/ledger"));
    }

    @Test
    void write_isReadWithItsEscapesAndPlace() throws Exception {
        List<CutPoint> moments = read("7 pwrite64(3</r/a>, \"x\\0\\0012\\n\\\"\\377\", 7, 40) = 7");
        assertThat(moments).extracting(CutPoint::returned).containsExactly(false, true);
        var write = (DiskOperation.Write) moments.getFirst().op();
        assertThat(write.path()).isEqualTo("a");
        assertThat(write.at()).isEqualTo(40);
        assertThat(write.data()).containsExactly('x', 0, 1, '2', '\n', '"', -1);
    }

    @Test
    void callsOfTwoThreads_beginAndReturnWhereTheyDid() throws Exception {
        List<CutPoint> moments = read(
                "7 fsync(3</r/a> <unfinished ...>",
                "8 write(4</ledger>, \"done\\n\", 5) = 5",
                "7 <... fsync resumed>) = 0");
        assertThat(moments)
                .containsExactly(
                        new CutPoint(new DiskOperation.Flush("a"), false),
                        new CutPoint(new DiskOperation.Acknowledge("done"), false),
                        new CutPoint(new DiskOperation.Acknowledge("done"), true),
                        new CutPoint(new DiskOperation.Flush("a"), true));
    }

    @Test
    void open_makesAFileOnlyTheFirstTime() throws Exception {
        String open = "7 openat(AT_FDCWD</>, \"/r/a\", O_RDWR|O_CREAT, 0644) = 3</r/a>";
        assertThat(read(open, open)).hasSize(2).allMatch(m -> m.op().equals(new DiskOperation.Make("a", false)));
    }

    @Test
    void rename_takesWhatIsBelowWithIt() throws Exception {
        String open = "7 openat(AT_FDCWD</>, \"%s/x\", O_RDWR|O_CREAT, 0644) = 3</r/b/x>";
        assertThat(read(
                        "7 mkdir(\"/r/a\", 0777) = 0",
                        open.formatted("/r/a"),
                        "7 rename(\"/r/a\", \"/r/b\") = 0",
                        open.formatted("/r/b"),
                        "7 unlinkat(4</r/b>, \"x\", 0) = 0"))
                .extracting(CutPoint::op)
                .containsOnly(
                        new DiskOperation.Make("a", true),
                        new DiskOperation.Make("a/x", false),
                        new DiskOperation.Rename("a", "b"),
                        new DiskOperation.Remove("b/x"));
    }

    @Test
    void whatFailed_orWasElsewhere_isNothing() throws Exception {
        assertThat(read(
                        "7 mkdir(\"/r/a\", 0777) = -1 ENOENT (No such file or directory)",
                        "7 pwrite64(3</other>, \"x\", 1, 0) = 1",
                        "7 ftruncate(3</r/a-shm>, 3) = 0"))
                .isEmpty();
    }

    @Test
    void flushThatWasRefused_isOneThatFailed() throws Exception {
        String refused = "7 fdatasync(3</r/a>) = -1 EIO (Input/output error) (INJECTED)";
        assertThat(read(refused)).extracting(CutPoint::op).containsOnly(new DiskOperation.FailedFlush("a"));
        assertThat(StraceParser.injected(dir.resolve("trace"), Path.of("/r"))).containsExactly("fdatasync of a");
    }

    @Test
    void callThatIsNotModelled_endsTheRecording() {
        assertThatThrownBy(() -> read("7 rename(\"/r/a\", \"/other/b\") = 0")).hasMessageContaining("not modelled");
        assertThatThrownBy(() -> read("7 write(3</r/a>, \"x\", 1) = 1")).hasMessageContaining("not modelled");
        assertThatThrownBy(() -> read("7 mmap(NULL, 1, PROT_READ|PROT_WRITE, MAP_SHARED, 3</r/a>, 0) = 0x7f00"))
                .hasMessageContaining("not modelled");
    }
}
