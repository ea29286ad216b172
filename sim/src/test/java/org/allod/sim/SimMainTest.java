package org.allod.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import org.junit.jupiter.api.Test;

class SimMainTest {
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();

    /** Nothing else in this JVM prints while a test runs. */
    private int run(String... args) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        PrintStream mine = new PrintStream(written, true);
        System.setOut(mine);
        System.setErr(mine);
        try {
            return SimMain.run(List.of(args));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    @Test
    void seeds_withoutAViolation_sayHowManyAndEndWell() {
        assertThat(run("--seeds", "2", "--hosts", "3")).isZero();
        assertThat(written.toString()).contains("2 seeds, 3 hosts: nothing found");
    }

    @Test
    void violation_isPrintedWithTheCommandThatRepeatsIt() {
        assertThat(run("--seeds", "20", "--hosts", "6", "--bug", "ACK_BEFORE_WRITE"))
                .isEqualTo(1);
        assertThat(written.toString())
                .containsPattern("again with: ./allod sim --seed \\d+ --hosts 6 --bug ACK_BEFORE_WRITE");
    }

    @Test
    void wrongOptions_areNamed() {
        assertThat(run("--seeds", "many")).isEqualTo(2);
        assertThat(run("--bug", "NOTHING")).isEqualTo(2);
        assertThat(run("--wrong", "1")).isEqualTo(2);
        assertThat(written.toString())
                .contains(
                        "--seeds many: not a number", "--bug NOTHING: there is no such bug", "'--wrong' is not known");
    }
}
