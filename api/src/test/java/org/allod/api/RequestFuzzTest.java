package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Jazzer on {@link RequestFuzz}, in a process of its own. An hour of it: {@code ./allod test -pl api
 * -Dtest=RequestFuzzTest -Dallod.fuzz.seconds=3600 -Dallod.fuzz.seed=SEED}.
 */
class RequestFuzzTest {
    private static final int SECONDS = Integer.getInteger("allod.fuzz.seconds", 60);
    private static final long SEED = Long.getLong("allod.fuzz.seed", System.nanoTime() & 0xffff_ffffL);

    private static final List<String> WORDS = List.of(
            "\"config\"",
            "\"image\"",
            "\"guest\"",
            "\"services\"",
            "\"files\"",
            "\"checks\"",
            "\"processes\"",
            "\"containers\"",
            "\"schedule\"",
            "\"dns\"",
            "\"mounts\"",
            "\"statics\"",
            "\"standbys\"",
            "\"metrics\"",
            "\"rootfs\"",
            "null",
            "true",
            "1e999",
            "-1",
            "9223372036854775808",
            "\\u0000",
            "[[",
            "{}",
            "%00",
            "HTTP/1.1");

    @TempDir
    Path folder;

    @Test
    void decoding_ofWhateverBytes_neverFailsByOurFaultAndNeverHangs() throws Exception {
        System.out.println("fuzz: seed " + SEED + ", " + SECONDS + " s");
        Path corpus = Files.createDirectory(folder.resolve("corpus"));
        for (int i = 0; i < RequestFuzz.SEEDS.size(); i++) {
            Files.writeString(corpus.resolve("seed" + i), RequestFuzz.SEEDS.get(i));
        }
        Path words = folder.resolve("words");
        Files.writeString(
                words,
                String.join("\n", WORDS.stream().map(RequestFuzzTest::quoted).toList()) + "\n");
        Path said = folder.resolve("said");
        Process fuzzer = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-XX:+UseSerialGC",
                        "-Xmx512m",
                        "-XX:+EnableDynamicAgentLoading",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "com.code_intelligence.jazzer.Jazzer",
                        "--target_class=" + RequestFuzz.class.getName(),
                        "--instrumentation_includes=org.allod.api.**:org.allod.machine.**",
                        // Not looked for here: what Jazzer knows of injections into other programs' code.
                        "--hooks=false",
                        "--reproducer_path=" + folder,
                        "-artifact_prefix=" + folder + "/",
                        "-dict=" + words,
                        "-max_len=8192",
                        "-timeout=20",
                        "-seed=" + SEED,
                        "-max_total_time=" + SECONDS,
                        corpus.toString())
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        boolean ended = fuzzer.waitFor(SECONDS + 120L, TimeUnit.SECONDS);
        fuzzer.destroyForcibly();
        String tail = tail(said);
        assertThat(ended).as("the fuzzer hangs:%n%s", tail).isTrue();
        assertThat(fuzzer.exitValue()).as("seed %d:%n%s", SEED, tail).isZero();
        assertThat(tail).as("the fuzzer says how far it came").contains("Done ");
        System.out.println("fuzz: "
                + tail.lines().filter(l -> l.startsWith("Done ")).findFirst().orElse(""));
    }

    private static String quoted(String word) {
        return "\"" + word.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    private static String tail(Path said) throws IOException {
        String text = new String(Files.readAllBytes(said), StandardCharsets.UTF_8);
        return text.substring(Math.max(0, text.length() - 6_000));
    }
}
