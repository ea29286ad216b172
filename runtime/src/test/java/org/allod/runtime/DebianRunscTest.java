package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The runsc that Debian 12 has, of 2022: what a host gets that has neither gVisor's own nor a Go toolchain. On current
 * kernels it refuses its own network stack, and without that it cannot save memory: so a probe passes it over.
 */
class DebianRunscTest {
    private static final MachineId MACHINE = MachineId.of(0xdeb12001);

    @TempDir
    private Path folder;

    private GuestStartBench bench;
    private GVisorRuntime runtime;

    @BeforeEach
    void start() throws Exception {
        Path tools = Files.createDirectories(folder.resolve("tools"));
        Path debian = GuestBinary.tools().resolve("debian/runsc");
        assertThat(debian).as("`allod setup --for-tests` gets it").isExecutable();
        Files.createSymbolicLink(tools.resolve("runsc"), debian);
        Files.createSymbolicLink(tools.resolve("allod-guest"), GuestBinary.path());
        bench = new GuestStartBench(folder, "d" + ProcessHandle.current().pid());
        RunscConfig oldest = RunscConfig.ways(debian).getLast();
        runtime = new GVisorRuntime(bench.resources, () -> oldest);
    }

    @AfterEach
    void end() {
        runtime.present().forEach(runtime::remove);
        bench.close();
    }

    @Test
    void machine_underIt_runsAndIsAdopted_andASuspendThatIsRefusedDoesItNoHarm() throws Exception {
        GuestSpec spec = bench.spec(MACHINE, GuestStartBench.SERVER);
        Guest guest = runtime.boot(spec);
        String boot = GuestStartBench.await(MACHINE, "/boot");
        assertThat(GuestStartBench.run(guest, "cat", "/www/boot").out().strip()).isEqualTo(boot);
        assertThat(GuestStartBench.run(guest, "cat", "/etc/note").out()).isEqualTo("a note");
        assertThat(GuestStartBench.run(guest, "sh", "-c", "echo written > /etc/new; cat /etc/new")
                        .out())
                .isEqualTo("written\n");

        assertThatThrownBy(() -> runtime.suspend(spec))
                .isInstanceOf(FailedException.class)
                .hasMessageContaining("hostinet");
        assertThat(runtime.hasSavedMemory(MACHINE)).isFalse();
        Guest again = runtime.find(MACHINE).orElseThrow();
        assertThat(GuestStartBench.run(again, "cat", "/www/boot").out().strip()).isEqualTo(boot);
        runtime.halt(MACHINE);
        assertThat(again.exited().get(10, TimeUnit.SECONDS)).isEqualTo(ExitStatus.LOST);
        runtime.remove(MACHINE);
        assertThat(bench.traces(MACHINE)).isEmpty();
    }

    @Test
    void probe_ofIt_saysInALineEachWhyNotAndWhatToDo() {
        ProbeResult probe = new RunscProbe(bench.resources).probe();
        assertThat(probe.details())
                .allMatch(line -> !line.contains("\n") && line.length() < 1000)
                .anyMatch(line -> line.contains("it is too old"));
        if (!probe.works()) {
            assertThat(probe.details()).anyMatch(line -> line.contains("cannot suspend them"));
            assertThat(probe.remedy()).contains("gVisor's runsc from its own packages");
        }
        System.out.println("MEASURED Debian's runsc: " + probe);
        assertThat(runtime.present()).as("a probe leaves nothing").isEmpty();
    }
}
