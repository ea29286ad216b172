package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessTest {
    @TempDir
    Path folder;

    private static ProcessIdentity sleeper() {
        return DetachedProcess.of(List.of("sleep", "30")).start().process().orElseThrow();
    }

    @Test
    void identity_ofLivingProcess_survivesItsTextAndSignalsIt() throws Exception {
        ProcessIdentity process = sleeper();
        assertThat(ProcessIdentity.parse(process.text())).contains(process);
        assertThat(process.alive()).isTrue();
        try (ProcessExitWatcher watch = new ProcessExitWatcher()) {
            CompletableFuture<Void> exit = watch.exit(process);
            assertThat(exit).isNotDone();
            assertThat(process.signal(Signals.KILL)).isTrue();
            exit.get(5, TimeUnit.SECONDS);
        }
        assertThat(process.alive()).isFalse();
        assertThat(process.signal(Signals.KILL)).isFalse();
    }

    @Test
    void identity_ofReusedNumber_neverSignalsTheStranger() {
        ProcessIdentity process = sleeper();
        ProcessIdentity earlier = new ProcessIdentity(process.pid(), process.start() - 1, process.boot());
        ProcessIdentity otherBoot = new ProcessIdentity(process.pid(), process.start(), "another-boot");
        assertThat(earlier.signal(Signals.KILL)).isFalse();
        assertThat(otherBoot.signal(Signals.KILL)).isFalse();
        assertThat(process.alive()).isTrue();
        assertThat(process.signal(Signals.KILL)).isTrue();
    }

    @Test
    void stat_withBracketsAndSpacesInTheName_isRead() {
        String rest = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assertThat(ProcessIdentity.parseStat(7, "7 (a) b) (c)" + rest))
                .get()
                .extracting(ProcessIdentity::start)
                .isEqualTo(4711L);
        assertThat(ProcessIdentity.parseStat(7, "7 (a)" + rest.replace(" S ", " Z ")))
                .isEmpty();
        assertThat(ProcessIdentity.parseStat(7, "nonsense")).isEmpty();
        assertThat(ProcessIdentity.parse("12 nonsense boot")).isEmpty();
    }

    @Test
    void watch_ofManyProcesses_tellsEachEndAndNoOther() throws Exception {
        try (ProcessExitWatcher watch = new ProcessExitWatcher()) {
            List<ProcessIdentity> processes = java.util.stream.IntStream.range(0, 20)
                    .mapToObj(i -> sleeper())
                    .toList();
            List<CompletableFuture<Void>> exits =
                    processes.stream().map(watch::exit).toList();
            processes.get(3).signal(Signals.KILL);
            exits.get(3).get(5, TimeUnit.SECONDS);
            assertThat(exits.stream().filter(CompletableFuture::isDone)).hasSize(1);
            processes.forEach(process -> process.signal(Signals.KILL));
            CompletableFuture.allOf(exits.toArray(CompletableFuture[]::new)).get(5, TimeUnit.SECONDS);
        }
    }

    @Test
    void launch_ofProcess_isDetachedInItsOwnSession() throws Exception {
        Path out = folder.resolve("out");
        int exit = DetachedProcess.of(List.of("sh", "-c", "ps -o pid=,sid= -p $$; readlink /proc/$$/fd/0; exit 7"))
                .output(out)
                .start()
                .exit()
                .get(5, TimeUnit.SECONDS);
        assertThat(exit).isEqualTo(7);
        List<String> lines = Files.readAllLines(out);
        String[] ids = lines.getFirst().trim().split(" +");
        assertThat(ids[0]).isEqualTo(ids[1]);
        assertThat(lines.get(1)).isEqualTo("/dev/null");
    }

    @Test
    void command_thatFails_saysWhatAndWhy() {
        assertThatThrownBy(() ->
                        Command.of("sh", "-c", "echo no such luck >&2; exit 3").output())
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("exit code 3")
                .hasMessageContaining("no such luck");
        assertThatThrownBy(() -> Command.of("/nonexistent/tool").run())
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("/nonexistent/tool");
    }

    @Test
    void command_thatHangs_isKilledInTime() {
        long begin = System.nanoTime();
        assertThatThrownBy(() -> Command.of("sleep", "30")
                        .timeout(Duration.ofMillis(100))
                        .run())
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("did not end within 100 ms");
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void command_thatFloods_isBounded() {
        Command.Result result = Command.of("sh", "-c", "head -c 20000000 /dev/zero; echo done >&2")
                .run();
        assertThat(result.out()).hasSize(4 << 20);
        assertThat(result.err()).isEqualTo("done\n");
    }

    @Test
    void command_withInput_readsIt() {
        assertThat(Command.of("cat").input("hello").output()).isEqualTo("hello");
        // One that does not read what it is sent is judged by its exit code.
        assertThat(Command.of("true").input("x".repeat(1 << 20)).run().ok()).isTrue();
    }
}
