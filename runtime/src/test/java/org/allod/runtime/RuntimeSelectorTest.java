package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RuntimeSelectorTest {
    @TempDir
    Path folder;

    private GuestStartBench bench;
    private GVisorRuntime gvisor;

    @BeforeEach
    void open() {
        bench = new GuestStartBench(folder, "r" + ProcessHandle.current().pid());
        gvisor = new GVisorRuntime(bench.resources);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    private static ProbeResult found(boolean works, boolean accelerated) {
        return new ProbeResult(
                works, "some way", Duration.ofMillis(90), accelerated, List.of("what was tried"), "a remedy");
    }

    private String choice(ProbeResult microvm, ProbeResult gvisorProbe) {
        Map<String, ProbeResult> probes = new HashMap<>();
        probes.put("microvm", microvm);
        probes.put("gvisor", gvisorProbe);
        return RuntimeSelector.choose(probes, Map.of("gvisor", gvisor, "microvm", gvisor))
                .why();
    }

    @Test
    void choice_amongWhatWorks_isTheStrongestAndSaysWhy() {
        assertThat(choice(found(true, true), found(true, true)))
                .startsWith("microvm")
                .contains("hardware");
        assertThat(choice(found(true, false), found(true, true)))
                .startsWith("gvisor")
                .contains("only emulated");
        assertThat(choice(found(false, false), found(true, true)))
                .startsWith("gvisor")
                .contains("what was tried");
        assertThat(choice(found(true, false), found(false, false)))
                .startsWith("microvm")
                .contains("slow");
        assertThat(choice(found(false, false), found(false, false)))
                .startsWith("no runtime works")
                .contains("a remedy");
    }

    /** Else one look on a full disk would keep a host from starting for as long as its tools are the same. */
    @Test
    void probe_thatFoundNoRoomOnTheDisk_isNotRemembered() {
        ProbeResult full = new ProbeResult(
                false, "", Duration.ZERO, false, List.of("cannot make the folder x: No space left on device"), "");
        assertThat(RuntimeSelector.lasting(full)).isFalse();
        assertThat(RuntimeSelector.lasting(found(false, false))).isTrue();
        assertThat(RuntimeSelector.lasting(found(true, false))).isTrue();
    }

    @Test
    void choice_whereSomethingIsMissing_saysWhat() {
        ProbeResult missing =
                new ProbeResult(false, "", Duration.ZERO, false, List.of(), "qemu is not installed: run `allod setup`");
        assertThat(choice(missing, found(true, true))).contains("(qemu is not installed: run `allod setup`)");
    }

    /** What was missing when it was asked may be there by now. */
    @Test
    void probe_ofMicroVms_isAskedAgainOnceWhatWasMissingIsThere() throws Exception {
        Path tools = Files.createDirectories(folder.resolve("bare-tools"));
        RuntimeConfig config = RuntimeConfig.of(
                folder.resolve("bare"), tools, bench.resources.config().network());
        try (RuntimeResources bare = new RuntimeResources(config, bench.resources.clock(), bench.resources.timers())) {
            MicroVmRuntime microvm = new MicroVmRuntime(bare);
            String before = microvm.fingerprint();
            assertThat(new RuntimeSelector(folder, List.of(microvm))
                            .probe("microvm")
                            .remedy())
                    .contains("there is no kernel for guests");
            assertThat(microvm.fingerprint()).isEqualTo(before);
            Files.createDirectories(tools.resolve("kernel"));
            Files.writeString(tools.resolve("kernel/vmlinuz"), "one");
            Files.writeString(tools.resolve("kernel/release"), "one");
            assertThat(microvm.fingerprint()).isNotEqualTo(before);
            assertThat(new RuntimeSelector(folder, List.of(new MicroVmRuntime(bare)))
                            .probe("microvm")
                            .remedy())
                    .contains("there is no " + tools.resolve("allod-guest"));
        }
    }

    @Test
    void probe_askedAgainAfterARestart_isAnsweredFromTheFile() throws Exception {
        RuntimeSelector runtimes = new RuntimeSelector(folder, List.of(gvisor));
        ProbeResult probe = runtimes.probe("gvisor");
        assertThat(probe.works()).as(probe.details().toString()).isTrue();
        // Marked, so that it shows whether the answer is the kept one.
        Path kept = folder.resolve("probe-gvisor.json");
        Files.writeString(kept, Files.readString(kept).replace("own network stack", "as kept"));
        RuntimeSelector restarted = new RuntimeSelector(folder, List.of(new GVisorRuntime(bench.resources)));
        assertThat(restarted.probe("gvisor").how()).isEqualTo("systrap, as kept");
        assertThat(restarted.reprobe("gvisor").how()).isEqualTo(probe.how());
        assertThat(restarted.choose().runtime()).isPresent();
    }

    @Test
    void probe_ofBinaryThatIsNoRunsc_saysWhatFailed() throws Exception {
        Files.delete(folder.resolve("tools/runsc"));
        Files.createSymbolicLink(folder.resolve("tools/runsc"), Path.of("/bin/false"));
        if (RunscSelector.binaries(folder.resolve("bare-tools")).size() > 1) {
            return; // another runsc is installed on this host, and it is right to find that
        }
        ProbeResult probe = gvisor.probe();
        assertThat(probe.works()).isFalse();
        assertThat(probe.details())
                .hasSize(RunscConfig.ways(Path.of("/")).size())
                .allMatch(line -> line.contains("exit code 1"));
        assertThat(probe.remedy()).contains("runsc");
        assertThat(bench.resources.present()).isEmpty();
    }

    @Test
    void runtime_ofUnknownName_isRejected() {
        assertThatThrownBy(() -> new RuntimeSelector(folder, List.of(gvisor)).named("docker"))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("docker")
                .hasMessageContaining("gvisor");
    }
}
