package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Poll;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.linux.Command;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Real guests in real virtual machines. One is shared by most tests, in order, because an emulated boot takes seconds;
 * it was booted by a daemon that was then killed, so all of these are also tests of adoption.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MicroVmRuntimeTest {
    private static final MachineId SHARED = MachineId.of(0xa110d0000001L);
    private static final MachineId OTHER = MachineId.of(0xa110d0000002L);
    private static final String INSTANCE = "vmtest";
    private static final String STUBBORN = "trap 'echo heard TERM' TERM; trap '' INT HUP;"
            + " echo up $GREETING as $(id -u) on $(hostname); cat /etc/secret;"
            + " i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.1; done";

    private final Path data = Path.of("target/microvm-test").toAbsolutePath();
    private final SystemTimers timers = new SystemTimers();
    private RuntimeResources resources;
    private MicroVmRuntime runtime;
    private Path image;

    static RuntimeConfig config(Path data) {
        return RuntimeConfig.of(data, GuestBinary.tools(), NetworkConfig.closed(INSTANCE));
    }

    static GuestSpec spec(MachineId machine, Path image, String script) {
        return new GuestSpec(
                machine,
                "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                image,
                1,
                192,
                64,
                List.of("sh", "-c", script),
                Map.of("GREETING", "hello", "PATH", "/bin"),
                "/work",
                Optional.empty(),
                false,
                "guest-" + machine.text().substring(12),
                List.of(new GuestSpec.File("/etc/secret", "s3cret\n".getBytes(StandardCharsets.UTF_8), 0600)),
                new GuestSpec.Net(0x42, 7));
    }

    /** Boots the shared guest in a process of its own, which is then killed. */
    static final class FirstDaemon {
        public static void main(String[] args) throws Exception {
            Path data = Path.of(args[0]);
            MicroVmRuntime runtime =
                    new MicroVmRuntime(new RuntimeResources(config(data), new SystemClock(), new SystemTimers()));
            GuestSpec spec = spec(SHARED, data.resolve("image.erofs"), STUBBORN);
            runtime.prepare(spec);
            long before = System.nanoTime();
            var _ = runtime.boot(spec);
            System.out.println("booted " + (System.nanoTime() - before) / 1_000_000);
            Thread.sleep(60_000);
        }
    }

    @BeforeAll
    void start() throws Exception {
        RuntimeResources.delete(data);
        Files.createDirectories(data);
        new GuestKernel(GuestBinary.tools()).install(System.out::println);
        GuestBinary.install();
        image = data.resolve("image.erofs");
        Path root = data.resolve("root");
        for (String folder : List.of("bin", "etc", "proc", "sys", "dev", "tmp")) {
            Files.createDirectories(root.resolve(folder));
        }
        Files.copy(Path.of("/bin/busybox"), root.resolve("bin/busybox"), StandardCopyOption.COPY_ATTRIBUTES);
        for (String tool : List.of(
                "sh",
                "cat",
                "echo",
                "sleep",
                "id",
                "hostname",
                "stty",
                "tty",
                "dd",
                "yes",
                "df",
                "true",
                "stat",
                "date",
                "rm",
                "nc",
                "ip",
                "head",
                "httpd",
                "timeout",
                "ls",
                "wget",
                "mount")) {
            Files.createSymbolicLink(root.resolve("bin/" + tool), Path.of("busybox"));
        }
        Files.writeString(root.resolve("etc/passwd"), "root:x:0:0:root:/:/bin/sh\nweb:x:33:34:web:/srv:/bin/sh\n");
        Files.writeString(root.resolve("etc/group"), "root:x:0:\nwww:x:34:\n");
        var _ = Command.of("mkfs.erofs", "--quiet", image.toString(), root.toString())
                .output();
        resources = new RuntimeResources(config(data), new SystemClock(), timers);
        runtime = new MicroVmRuntime(resources);
        runtime.present().forEach(runtime::remove); // Of a run of this test that was cut short.
    }

    @AfterAll
    void end() {
        runtime.present().forEach(runtime::remove);
        resources.close();
        resources.dismantle();
        timers.close();
    }

    private Guest shared() {
        return runtime.find(SHARED).orElseThrow();
    }

    private String sh(String script) throws Exception {
        return run(ExecSpec.of("sh", "-c", script));
    }

    private String run(ExecSpec spec) throws Exception {
        try (Exec exec = shared().exec(spec)) {
            String out = text(exec.stdout()) + text(exec.stderr());
            var _ = exec.exited().get(20, TimeUnit.SECONDS);
            return out;
        }
    }

    private static String text(InputStream stream) throws Exception {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }

    private List<String> log(MachineId machine) {
        return resources.logs().log(machine).tail(1000).stream()
                .map(LogLine::text)
                .toList();
    }

    @Test
    @Order(1)
    void probe_saysWhatWorksAndWhatDoesNot() {
        ProbeResult probe = runtime.probe();
        System.out.println("probe: " + probe);
        assertThat(probe.works()).isTrue();
        assertThat(probe.accelerated()).isEqualTo(probe.how().equals("kvm"));
        assertThat(probe.details()).anyMatch(line -> line.startsWith("kvm: "));
        assertThat(runtime.present()).as("a probe leaves nothing").isEmpty();
    }

    @Test
    @Order(2)
    void guest_whoseDaemonWasKilled_isAdopted() throws Exception {
        Process daemon = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dallod.clone=" + GuestBinary.here(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        FirstDaemon.class.getName(),
                        data.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out = new BufferedReader(new InputStreamReader(daemon.getInputStream()))) {
            String line = out.readLine();
            System.out.println("first daemon: " + line + " ms");
            assertThat(line).startsWith("booted");
        } finally {
            daemon.destroyForcibly().waitFor();
        }
        Guest guest = shared();
        assertThat(guest.exited()).isNotDone();
        Poll.until(
                Duration.ofSeconds(5),
                Duration.ofMillis(10),
                "its output",
                () -> log(SHARED).contains("s3cret"));
        assertThat(log(SHARED)).containsExactly("up hello as 0 on guest-01", "s3cret");
        assertThat(runtime.present()).containsExactly(SHARED);
    }

    @Test
    @Order(3)
    void exec_inAGuest_isQuickAndWhatItShouldBe() throws Exception {
        assertThat(sh("stat -c '%a %u' /etc/secret; cat /proc/1/cmdline | head -c 5; echo; ls /modules"))
                .startsWith("600 0\n/init\n");
        ExecSpec asWeb = new ExecSpec(
                List.of("sh", "-c", "id; echo $GREETING $EXTRA; echo $HOME"),
                Map.of("EXTRA", "more"),
                Optional.of("/tmp"),
                Optional.of("web"),
                Optional.empty());
        assertThat(run(asWeb)).isEqualTo("uid=33(web) gid=34(www) groups=34(www)\nhello more\n/srv\n");
        List<Long> times = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            long before = System.nanoTime();
            try (Exec exec = shared().exec(ExecSpec.of("true"))) {
                assertThat(exec.exited().get(10, TimeUnit.SECONDS).code()).isZero();
            }
            times.add((System.nanoTime() - before) / 1000);
        }
        Collections.sort(times);
        System.out.println("exec true: p50 " + times.get(15) + " us, p90 " + times.get(27) + " us");
        // Not a benchmark: this only catches what is plainly broken, on a machine that does other things too.
        assertThat(times.get(15)).isLessThan(500_000);
    }

    @Test
    @Order(4)
    void exec_withATerminal_getsOne() throws Exception {
        ExecSpec spec = new ExecSpec(
                List.of("sh", "-c", "tty; stty size"),
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(new ExecSpec.Tty(99, 31)));
        assertThat(run(spec)).contains("/dev/pts/0").contains("31 99");
    }

    @Test
    @Order(5)
    void network_ofAGuest_isReachedFromTheHost_andReachesNoHost() throws Exception {
        sh("mkdir -p /www; echo page > /www/index.html; httpd -p 8080 -h /www; httpd -p [::]:8081 -h /www");
        String six = spec(SHARED, image, "").network().address(SHARED);
        assertThat(Command.of("curl", "-s", "-m", "5", "http://[" + six + "]:8081/")
                        .output())
                .isEqualTo("page\n");
        // Nobody answers ARP: each end knows the other for good.
        assertThat(Command.of("curl", "-s", "-m", "5", "http://" + GuestStartBench.address4(SHARED) + ":8080/")
                        .output())
                .isEqualTo("page\n");
        assertThat(sh("timeout 3 wget -q -O - http://" + MachineLink.GATEWAY4 + ":4280/ 2>&1 || echo refused"))
                .contains("refused");
    }

    @Test
    @Order(6)
    void disk_fullInside_isTheGuestsProblemAlone() throws Exception {
        assertThat(sh("dd if=/dev/zero of=/big bs=1M 2>&1")).contains("No space left");
        assertThat(shared().stats().diskBytes()).isBetween(40L << 20, 66L << 20);
        assertThat(sh("rm /big; echo fine")).isEqualTo("fine\n");
    }

    @Test
    @Order(7)
    void console_flooded_isBounded() throws Exception {
        assertThat(sh("timeout 1 yes floodfloodflood > /dev/ttyS0; echo fine")).contains("fine\n");
        MicroVm vm = new MicroVm(resources, VmPaths.of(resources, SHARED));
        assertThat(vm.console()).contains("flood").hasSizeLessThanOrEqualTo(4096);
        assertThat(Files.size(VmPaths.of(resources, SHARED).output())).isLessThan(10_000);
    }

    @Test
    @Order(8)
    void qemu_hasNoRights() throws Exception {
        int pid = new MicroVm(resources, VmPaths.of(resources, SHARED))
                .find()
                .orElseThrow()
                .pid();
        String status = Files.readString(Path.of("/proc/" + pid + "/status"));
        assertThat(status).contains("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1");
        assertThat(status).contains("Seccomp:\t2", "Groups:\t \n");
        assertThat(status).contains("Uid:\t" + VmPaths.of(resources, SHARED).uid());
        assertThat(Files.readString(Path.of("/proc/" + pid + "/cmdline"))).doesNotContain("s3cret");
    }

    @Test
    @Order(8)
    void qemu_seesNothingOfTheHost() throws Exception {
        VmPaths folders = VmPaths.of(resources, SHARED);
        Path process = Path.of(
                "/proc/" + new MicroVm(resources, folders).find().orElseThrow().pid());
        try (Stream<Path> root = Files.list(process.resolve("root"))) {
            assertThat(root).isEmpty();
        }
        assertThat(Files.readAllLines(process.resolve("mountinfo")))
                .singleElement()
                .asString()
                .contains(" / / ro,nosuid,nodev,noexec");
        assertThatThrownBy(() -> Files.createFile(process.resolve("root/new"))).hasMessageContaining("Read-only");
        // Its number in its own namespace is 1, and there is nobody else.
        assertThat(Files.readString(process.resolve("status"))).containsPattern("NSpid:\t[0-9]+\t1\n");
        for (String kind : List.of("pid", "mnt", "ipc", "net")) {
            assertThat(Files.readSymbolicLink(process.resolve("ns/" + kind)))
                    .isNotEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns/" + kind)));
        }
        // What root acts on by name belongs to root, and so does the folder.
        for (Path path : List.of(folders.run(), folders.control(), folders.channel())) {
            assertThat(Files.getAttribute(path, "unix:uid")).as(path.toString()).isEqualTo(0);
        }
        assertThat(Files.getPosixFilePermissions(folders.run()))
                .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    @Order(8)
    void socket_ofAnotherUser_isNotSpokenTo() {
        VmPaths folders = VmPaths.of(resources, SHARED);
        assertThatThrownBy(() -> Qmp.open(folders.control(), folders.uid() + 1, timers))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("user " + folders.uid() + " answers");
    }

    /** A guest of this size may have no such memory: only a QEMU that means harm has. */
    @Test
    @Order(8)
    void memory_beyondItsBound_isNotWritten_andTheGuestGoesOn() throws Exception {
        VmPaths folders = VmPaths.of(resources, SHARED);
        MicroVm vm = new MicroVm(resources, folders);
        assertThatThrownBy(() -> vm.save(vm.find().orElseThrow(), -50))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("cannot save the memory");
        assertThat(sh("echo fine")).isEqualTo("fine\n");
        assertThat(folders.memory().saving()).doesNotExist();
        assertThat(runtime.hasSavedMemory(SHARED)).isFalse();
    }

    @Test
    @Order(9)
    void suspend_andResume_keepMemory_again() throws Exception {
        GuestSpec spec = spec(SHARED, image, STUBBORN);
        for (int round = 0; round < 2; round++) {
            long count = Long.parseLong(sh("cat /tmp/count").strip());
            long before = System.nanoTime();
            runtime.suspend(spec);
            long suspended = System.nanoTime();
            assertThat(runtime.hasSavedMemory(SHARED)).isTrue();
            assertThat(runtime.find(SHARED)).isEmpty();
            runtime.suspend(spec);
            Path saved = VmPaths.of(resources, SHARED).memory().saved();
            assertThat(Files.getPosixFilePermissions(saved)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
            long size = Files.size(saved) >> 20;
            long resuming = System.nanoTime();
            var _ = runtime.resume(spec);
            long resumed = System.nanoTime();
            long after = Long.parseLong(sh("cat /tmp/count").strip());
            System.out.printf(
                    "suspend %d ms, %d MB; resume %d ms, first exec after %d ms%n",
                    (suspended - before) / 1_000_000,
                    size,
                    (resumed - resuming) / 1_000_000,
                    (System.nanoTime() - resuming) / 1_000_000);
            assertThat(after).isBetween(count, count + 50);
            assertThat(runtime.hasSavedMemory(SHARED)).isFalse();
            long inside = Long.parseLong(sh("date +%s").strip());
            assertThat(inside).isCloseTo(System.currentTimeMillis() / 1000, org.assertj.core.data.Offset.offset(2L));
        }
        assertThatThrownBy(() -> runtime.resume(spec(OTHER, image, ""))).isInstanceOf(FailedException.class);
    }

    /** A daemon that died while the memory was loaded, one that died as the guest went on, and then the host. */
    @Test
    @Order(9)
    void memory_isResumedFromOnce_whateverDiesWhen() throws Exception {
        GuestSpec spec = spec(OTHER, image, "cat /proc/sys/kernel/random/uuid > /boot; sleep 1000");
        MemoryCheckpoint memory = VmPaths.of(resources, OTHER).memory();
        String boot = uuid(runtime.boot(spec));
        runtime.suspend(spec);
        Path kept = data.resolve("kept");
        Files.copy(memory.saved(), kept);
        assertThat(uuid(runtime.resume(spec))).isEqualTo(boot);

        // A QEMU that was only being filled is no guest; its memory is whole.
        Files.copy(kept, memory.loading());
        MicroVmRuntime next = new MicroVmRuntime(resources);
        assertThat(next.find(OTHER)).isEmpty();
        assertThat(resources.cgroups().processes(OTHER.text())).isEmpty();
        assertThat(next.hasSavedMemory(OTHER)).isTrue();
        assertThat(uuid(next.resume(spec))).isEqualTo(boot);

        // One that may have run has used its memory up.
        Files.move(kept, memory.resuming());
        resources.cgroups().kill(OTHER.text(), Duration.ofSeconds(10));
        MicroVmRuntime last = new MicroVmRuntime(resources);
        assertThat(last.find(OTHER)).isEmpty();
        assertThat(last.hasSavedMemory(OTHER)).isFalse();
        assertThat(uuid(last.boot(spec))).isNotEqualTo(boot);
        assertThat(memory.resuming()).doesNotExist();
        last.remove(OTHER);
        runtime.remove(OTHER);
    }

    private String uuid(Guest guest) {
        String[] said = {""};
        Poll.until(Duration.ofSeconds(20), Duration.ofMillis(20), "its answer", () -> {
            try (Exec exec = guest.exec(ExecSpec.of("cat", "/boot"))) {
                said[0] = text(exec.stdout()).strip();
            } catch (Exception e) {
                return false; // its PID 1 is not back yet
            }
            return !said[0].isEmpty();
        });
        return said[0];
    }

    @Test
    @Order(10)
    void signals_ignored_haltEndsItAnyway_andNothingIsLeftAfterRemove() throws Exception {
        Guest guest = shared();
        guest.signal(15);
        Poll.until(
                Duration.ofSeconds(5),
                Duration.ofMillis(10),
                "TERM",
                () -> log(SHARED).contains("heard TERM"));
        assertThat(guest.exited()).isNotDone();
        int pid = new MicroVm(resources, VmPaths.of(resources, SHARED))
                .find()
                .orElseThrow()
                .pid();
        runtime.halt(SHARED);
        assertThat(guest.exited().get(5, TimeUnit.SECONDS)).isEqualTo(ExitStatus.LOST);
        assertThat(runtime.find(SHARED)).isEmpty();
        // Dead at once; its parent, this JVM, takes note of that a moment later.
        Path gone = Path.of("/proc/" + pid);
        Poll.until(Duration.ofSeconds(2), Duration.ofMillis(10), "the end of QEMU", () -> !Files.exists(gone));
        runtime.halt(SHARED);
        runtime.remove(SHARED);
        assertThat(runtime.present()).isEmpty();
        assertThat(Command.of("ip", "netns", "list").output()).doesNotContain(SHARED.text());
        assertThat(resources.folder(SHARED)).doesNotExist();
        assertThat(resources.run(SHARED)).doesNotExist();
    }

    @Test
    @Order(11)
    void mainProcess_ended_isReported_andTheMachineIsGone() throws Exception {
        GuestSpec spec = spec(OTHER, image, "echo bye; exit 7");
        runtime.prepare(spec);
        Guest guest = runtime.boot(spec);
        assertThat(guest.exited().get(20, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(7, 0, false));
        assertThat(log(OTHER)).containsExactly("bye");
        MicroVm vm = new MicroVm(resources, VmPaths.of(resources, OTHER));
        Poll.until(
                Duration.ofSeconds(20),
                Duration.ofMillis(20),
                "power off",
                () -> vm.find().isEmpty());
        assertThat(runtime.find(OTHER).orElseThrow().exited()).isCompletedWithValue(new ExitStatus(7, 0, false));
        runtime.remove(OTHER);
    }

    @Test
    @Order(12)
    void image_corrupt_saysWhatWentWrongInside() throws Exception {
        Path broken = data.resolve("broken.erofs");
        Files.write(broken, new byte[1 << 20]);
        GuestSpec spec = spec(OTHER, broken, "echo never");
        runtime.prepare(spec);
        assertThatThrownBy(() -> runtime.boot(spec))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("cannot mount the image");
        assertThat(runtime.find(OTHER)).isEmpty();
        runtime.remove(OTHER);
    }

    @Test
    @Order(13)
    void guest_startedByADaemonThatDiedBeforeWritingItDown_isEnded() throws Exception {
        GuestSpec spec = spec(OTHER, image, "sleep 1000");
        runtime.prepare(spec);
        var _ = runtime.boot(spec);
        VmPaths folders = VmPaths.of(resources, OTHER);
        int first = new MicroVm(resources, folders).find().orElseThrow().pid();
        Files.delete(folders.process());
        RuntimeResources.delete(folders.run());
        try (RuntimeResources again = new RuntimeResources(config(data), new SystemClock(), timers)) {
            MicroVmRuntime next = new MicroVmRuntime(again);
            assertThat(next.find(OTHER)).isEmpty();
            assertThat(next.present()).contains(OTHER);
            next.halt(OTHER);
            Poll.until(
                    Duration.ofSeconds(2),
                    Duration.ofMillis(10),
                    "the end of QEMU",
                    () -> !Files.exists(Path.of("/proc/" + first)));
            assertThat(again.cgroups().processes(OTHER.text())).isEmpty();
        }
        runtime.remove(OTHER);
    }
}
