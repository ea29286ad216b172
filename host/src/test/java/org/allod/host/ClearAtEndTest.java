package org.allod.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.allod.base.Poll;
import org.allod.linux.Command;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.Test;

/** What {@code allod down --machines} leaves in the kernel: nothing. */
class ClearAtEndTest {
    private static final String MACHINES = "/v1/apps/shop/machines/";

    @Test
    void end_withNothingRunning_leavesNothingInTheKernelAndMachinesComeBack() throws Exception {
        Path data = Scratch.folder("allod-clear").resolve("data");
        try (DaemonProcess daemon = new DaemonProcess(data).start()) {
            TestImage.build(daemon);
            daemon.ok("POST", "/v1/apps", "{\"name\":\"shop\",\"org_slug\":\"personal\"}");
            String stopped = made(daemon, "one");
            String suspended = made(daemon, "two");
            daemon.ok("POST", MACHINES + stopped + "/stop", "");
            daemon.await("shop", stopped, "stopped");
            daemon.ok("POST", MACHINES + suspended + "/suspend", "");
            daemon.await("shop", suspended, "suspended");
            // Not in vain: a daemon that is not told leaves what the next start needs.
            assertThat(inTheKernel(data)).anyMatch(s -> s.startsWith("table")).anyMatch(s -> s.startsWith("group"));

            daemon.ok("POST", "/v1/host/clear-at-end", "");
            daemon.stop();

            assertThat(inTheKernel(data)).isEmpty();
            assertThat(Leftovers.of(Set.of(), Set.of(stopped, suspended), data)).allMatch(s -> s.startsWith("folder"));
            daemon.start();
            daemon.ok("POST", MACHINES + suspended + "/start", "");
            daemon.await("shop", suspended, "started");
            assertThat(daemon.through("shop", "/").body()).isEqualTo("hello from a guest\n");
            daemon.ok("DELETE", "/v1/apps/shop?force=true", "");
            daemon.ok("POST", "/v1/host/clear-at-end", "");
            daemon.stop();
            assertThat(inTheKernel(data)).isEmpty();
        }
    }

    @Test
    void start_afterAKillDuringAProbe_takesTheProbesMountsAway() throws Exception {
        Path data = Scratch.folder("allod-probe").resolve("data");
        try (DaemonProcess daemon = new DaemonProcess(data).start()) {
            Thread.ofVirtual().start(() -> {
                try {
                    daemon.call("GET", "/v1/host/doctor?probe=true", "");
                } catch (IOException e) {
                    // Killed while it was at it.
                }
            });
            Poll.until(
                    Duration.ofSeconds(60),
                    Duration.ofMillis(1),
                    "the mount of a probe guest",
                    () -> mounts(data).anyMatch(line -> line.contains("/roots/")));
            daemon.kill();
            assertThat(mounts(data)).anyMatch(line -> line.contains("/roots/"));
            daemon.start();
            assertThat(mounts(data)).isEmpty();
            assertThat(Files.list(data.resolve("roots"))).isEmpty();
            daemon.ok("POST", "/v1/host/clear-at-end", "");
            daemon.stop();
            assertThat(inTheKernel(data)).isEmpty();
        }
    }

    private static Stream<String> mounts(Path data) {
        try {
            return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
                    .filter(line -> line.contains(data.toString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String made(DaemonProcess daemon, String name) throws Exception {
        String id = daemon.ok("POST", "/v1/apps/shop/machines", TestImage.machine(name, ""))
                .get("id")
                .stringValue();
        daemon.await("shop", id, "started");
        return id;
    }

    /** What bears the instance's name, and mounts in the data folder. */
    private static Set<String> inTheKernel(Path data) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(data.toString().getBytes(StandardCharsets.UTF_8));
        String instance = "%08x".formatted(crc.getValue());
        Set<String> found = new TreeSet<>();
        Command.of("nft", "list", "tables")
                .output()
                .lines()
                .filter(line -> line.contains(instance))
                .forEach(line -> found.add("table: " + line));
        try (Stream<Path> groups = Files.walk(Path.of("/sys/fs/cgroup"), 3)) {
            groups.filter(p -> p.getFileName().toString().contains(instance)).forEach(p -> found.add("group: " + p));
        }
        for (Path folder : List.of(Path.of("/run/allod-" + instance))) {
            if (Files.exists(folder)) {
                found.add("folder: " + folder);
            }
        }
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            if (line.contains(data.toString()) || line.contains("allod-" + instance)) {
                found.add("mount: " + line);
            }
        }
        return found;
    }
}
