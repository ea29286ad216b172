package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.allod.soak.Campaign;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Jazzer on {@link RequestFuzz}, in a process of its own. For longer: {@code ./allod soak api-requests}.
 */
class RequestFuzzTest {
    private static final Duration IN_SUITE = Duration.ofSeconds(10);

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
        Campaign campaign = Campaign.of("api-requests");
        long seconds = campaign.length(IN_SUITE).toSeconds();
        long seed = campaign.seed() & 0xffff_ffffL; // of its own type
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
                        "-seed=" + seed,
                        "-max_total_time=" + seconds,
                        corpus.toString())
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        boolean ended = fuzzer.waitFor(seconds + 120, TimeUnit.SECONDS);
        fuzzer.destroyForcibly();
        String tail = tail(said);
        assertThat(ended).as("the fuzzer hangs:%n%s", tail).isTrue();
        assertThat(fuzzer.exitValue()).as("seed %d:%n%s", seed, tail).isZero();
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
