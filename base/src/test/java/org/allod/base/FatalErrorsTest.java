package org.allod.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real processes that run out of memory where something catches everything: none goes on. */
class FatalErrorsTest {
    private record Ended(int code, String said) {}

    private static Ended run(String how) throws Exception {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+ExitOnOutOfMemoryError",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx16m",
                        "-XX:MaxDirectMemorySize=1m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "org.allod.base.OutOfMemoryChild",
                        how)
                .redirectErrorStream(true)
                .start();
        String said = new String(child.getInputStream().readAllBytes());
        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Ended(child.exitValue(), said);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "heap, kept by a future",
                "direct memory, in a thread",
                "direct memory, in a timer",
                "direct memory, logged",
                "no thread, wrapped"
            })
    void memoryExhausted_endsTheProcess_whoeverCatchesIt(String how) throws Exception {
        Ended ended = run(how);
        assertThat(ended.code()).as(ended.said()).isEqualTo(FatalErrors.EXIT_CODE);
        assertThat(ended.said()).doesNotContain("goes on\n").contains("java.lang.OutOfMemoryError");
    }

    @Test
    void stackOverflow_endsItsThreadAlone() throws Exception {
        Ended ended = run("stack");
        assertThat(ended.code()).as(ended.said()).isZero();
        assertThat(ended.said()).contains("goes on", "ended by an error");
    }

    @Test
    void fatal_anywhereAmongTheCauses_isSeen() {
        assertThat(FatalErrors.fatal(new IllegalStateException(new OutOfMemoryError())))
                .isTrue();
        assertThat(FatalErrors.fatal(new InternalError())).isTrue();
        assertThat(FatalErrors.fatal(new IllegalStateException(new StackOverflowError())))
                .isFalse();
        assertThat(FatalErrors.fatal(null)).isFalse();
    }
}
