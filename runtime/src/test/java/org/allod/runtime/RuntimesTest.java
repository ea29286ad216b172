package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.allod.base.Rejected;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RuntimesTest {
    @TempDir
    Path folder;

    private GuestBench bench;
    private GVisorRuntime gvisor;

    @BeforeEach
    void open() {
        bench = new GuestBench(folder, "r" + ProcessHandle.current().pid());
        gvisor = new GVisorRuntime(bench.premises);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    private static Probe found(boolean works, boolean accelerated) {
        return new Probe(works, "some way", Duration.ofMillis(90), accelerated, List.of("what was tried"), "a remedy");
    }

    private String choice(Probe microvm, Probe gvisorProbe) {
        Map<String, Probe> probes = new HashMap<>();
        probes.put("microvm", microvm);
        probes.put("gvisor", gvisorProbe);
        return Runtimes.choose(probes, Map.of("gvisor", gvisor, "microvm", gvisor))
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
        Probe full = new Probe(
                false, "", Duration.ZERO, false, List.of("cannot make the folder x: No space left on device"), "");
        assertThat(Runtimes.lasting(full)).isFalse();
        assertThat(Runtimes.lasting(found(false, false))).isTrue();
        assertThat(Runtimes.lasting(found(true, false))).isTrue();
    }

    @Test
    void choice_whereSomethingIsMissing_saysWhat() {
        Probe missing =
                new Probe(false, "", Duration.ZERO, false, List.of(), "qemu is not installed: run `allod setup`");
        assertThat(choice(missing, found(true, true))).contains("(qemu is not installed: run `allod setup`)");
    }

    /** What was missing when it was asked may be there by now. */
    @Test
    void probe_ofMicroVms_isAskedAgainOnceWhatWasMissingIsThere() throws Exception {
        Path tools = Files.createDirectories(folder.resolve("bare-tools"));
        RuntimeConfig config = RuntimeConfig.of(
                folder.resolve("bare"), tools, bench.premises.config().network());
        try (Premises bare = new Premises(config, bench.premises.clock(), bench.premises.timers())) {
            MicroVmRuntime microvm = new MicroVmRuntime(bare);
            String before = microvm.fingerprint();
            assertThat(new Runtimes(folder, List.of(microvm)).probe("microvm").remedy())
                    .contains("there is no kernel for guests");
            assertThat(microvm.fingerprint()).isEqualTo(before);
            Files.createDirectories(tools.resolve("kernel"));
            Files.writeString(tools.resolve("kernel/vmlinuz"), "one");
            Files.writeString(tools.resolve("kernel/release"), "one");
            assertThat(microvm.fingerprint()).isNotEqualTo(before);
            assertThat(new Runtimes(folder, List.of(new MicroVmRuntime(bare)))
                            .probe("microvm")
                            .remedy())
                    .contains("there is no " + tools.resolve("allod-guest"));
        }
    }

    @Test
    void probe_askedAgainAfterARestart_isAnsweredFromTheFile() throws Exception {
        Runtimes runtimes = new Runtimes(folder, List.of(gvisor));
        Probe probe = runtimes.probe("gvisor");
        assertThat(probe.works()).as(probe.details().toString()).isTrue();
        // Marked, so that it shows whether the answer is the kept one.
        Path kept = folder.resolve("probe-gvisor.json");
        Files.writeString(kept, Files.readString(kept).replace("own network stack", "as kept"));
        Runtimes restarted = new Runtimes(folder, List.of(new GVisorRuntime(bench.premises)));
        assertThat(restarted.probe("gvisor").how()).isEqualTo("systrap, as kept");
        assertThat(restarted.reprobe("gvisor").how()).isEqualTo(probe.how());
        assertThat(restarted.choose().runtime()).isPresent();
    }

    @Test
    void probe_ofBinaryThatIsNoRunsc_saysWhatFailed() throws Exception {
        Files.delete(folder.resolve("tools/runsc"));
        Files.createSymbolicLink(folder.resolve("tools/runsc"), Path.of("/bin/false"));
        if (RunscChoice.binaries(folder.resolve("bare-tools")).size() > 1) {
            return; // another runsc is installed on this host, and it is right to find that
        }
        Probe probe = gvisor.probe();
        assertThat(probe.works()).isFalse();
        assertThat(probe.details())
                .hasSize(Runsc.ways(Path.of("/")).size())
                .allMatch(line -> line.contains("exit code 1"));
        assertThat(probe.remedy()).contains("runsc");
        assertThat(bench.premises.present()).isEmpty();
    }

    @Test
    void runtime_ofUnknownName_isRejected() {
        assertThatThrownBy(() -> new Runtimes(folder, List.of(gvisor)).named("docker"))
                .isInstanceOf(Rejected.class)
                .hasMessageContaining("docker")
                .hasMessageContaining("gvisor");
    }
}
