package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.MachineId;
import org.allod.linux.Command;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a machine's configuration may say beyond the usual, each looked for from inside real guests: few boots, many fields. */
class GuestOptionsTest {
    @TempDir
    static Path folder;

    private static GuestBench bench;
    private static MachineId machine;

    @BeforeAll
    static void open() throws Exception {
        bench = new GuestBench(folder, "o" + ProcessHandle.current().pid());
        Path kernel = bench.premises.config().tools().resolve("kernel");
        if (!Files.exists(kernel)) {
            Files.createSymbolicLink(kernel, GuestBinary.tools().resolve("kernel"));
        }
        machine = bench.ids.machine();
    }

    @AfterAll
    static void close() throws Exception {
        Files.delete(bench.premises.config().tools().resolve("kernel"));
        bench.close();
    }

    private static GuestSpec.Options options(boolean vm) {
        return new GuestSpec.Options(
                6,
                vm,
                vm ? 32 : 0,
                vm ? List.of("allod.test=7") : List.of(),
                List.of("nameserver 9.9.9.9", "search corp.example", "options ndots:2"),
                Optional.of("web-1.example.org"));
    }

    private static final List<String> IDLE =
            List.of("/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done");

    @Test
    void microVm_hasSwapKernelArgumentsNamesAndARootThatLasts() throws Exception {
        MicroVmRuntime runtime = new MicroVmRuntime(bench.premises);
        machine = bench.ids.machine();
        GuestSpec spec = bench.spec(machine, IDLE).with(options(true));
        try {
            Guest guest = runtime.boot(spec);
            String said = GuestBench.run(
                            guest,
                            "sh",
                            "-c",
                            "cat /proc/cmdline /proc/swaps /etc/resolv.conf /etc/hosts; echo kept > /kept")
                    .out();
            assertThat(said).contains("allod.test=7 console=").contains("/upper/swap");
            names(said);
            assertThat(weight()).isIn("61", "6");
            guest.signal(15);
            assertThat(guest.exited().get(20, TimeUnit.SECONDS).code()).isZero();
            runtime.halt(machine);
            assertThat(GuestBench.run(runtime.boot(spec), "cat", "/kept").out()).isEqualTo("kept\n");
            runtime.halt(machine);
            runtime.forgetRoot(machine);
            assertThat(GuestBench.run(runtime.boot(spec), "cat", "/kept").err()).contains("No such file");
        } finally {
            runtime.remove(machine);
        }
        assertThat(bench.traces(machine)).isEmpty();
    }

    @Test
    void gvisor_hasNames() throws Exception {
        GVisorRuntime runtime = new GVisorRuntime(bench.premises);
        machine = bench.ids.machine();
        try {
            Guest guest = runtime.boot(bench.spec(machine, IDLE).with(options(false)));
            names(GuestBench.run(guest, "sh", "-c", "cat /etc/resolv.conf /etc/hosts")
                    .out());
            assertThat(weight()).isIn("61", "6");
        } finally {
            runtime.remove(machine);
        }
        assertThat(bench.traces(machine)).isEmpty();
    }

    private static void names(String said) {
        assertThat(said)
                .contains("nameserver 9.9.9.9\nsearch corp.example\noptions ndots:2\n")
                .contains(GuestBench.NET.address(machine) + " web-1.example.org guest-");
    }

    /** Its share of processor time, in whichever version of control groups this host has. */
    private static String weight() {
        return Command.of(
                        "sh",
                        "-c",
                        "cat /sys/fs/cgroup/cpu*/*/" + machine.text() + "/cpu.shares /sys/fs/cgroup/*/" + machine.text()
                                + "/cpu.weight 2>/dev/null | head -1")
                .run()
                .out()
                .strip();
    }
}
