package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.allod.base.MachineId;
import org.allod.linux.NetNs;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine whose kernel resources were released still starts and resumes. */
class ReleasingRuntimeTest {
    @TempDir
    Path folder;

    private GuestStartBench bench;
    private ReleasingRuntime runtime;
    private MachineId machine;

    @BeforeEach
    void open() {
        bench = new GuestStartBench(folder, "r" + ProcessHandle.current().pid());
        runtime = new ReleasingRuntime(new GVisorRuntime(bench.resources), bench.resources);
        machine = bench.ids.machine();
    }

    @AfterEach
    void close() {
        runtime.remove(machine);
        bench.close();
    }

    private void release() {
        assertThat(bench.resources.networks().present()).contains(machine);
        long begun = System.nanoTime();
        runtime.release(machine);
        System.out.printf("MEASURED release: %.1f ms%n", (System.nanoTime() - begun) / 1e6);
        assertThat(bench.resources.networks().present()).doesNotContain(machine);
        assertThat(NetNs.exists(MachineLink.namespace(machine))).isFalse();
        assertThat(bench.resources.cgroups().list()).doesNotContain(machine.text());
    }

    private void timed(String what, Runnable start) {
        long begun = System.nanoTime();
        start.run();
        System.out.printf("MEASURED %s: %.1f ms%n", what, (System.nanoTime() - begun) / 1e6);
    }

    @Test
    void machine_released_bootsAndResumes_andOneThatRunsIsLeftAlone() throws Exception {
        GuestSpec spec = bench.spec(machine, GuestStartBench.SERVER);
        runtime.prepare(spec);
        timed("boot of a machine that is ready", () -> runtime.boot(spec));
        runtime.release(machine);
        assertThat(GuestStartBench.await(machine, "/"))
                .as("it runs, so nothing was taken")
                .isEqualTo("hello");
        runtime.halt(machine);
        release();
        timed("boot of a machine that was released", () -> runtime.boot(spec));
        assertThat(GuestStartBench.await(machine, "/")).isEqualTo("hello");
        String boot = GuestStartBench.await(machine, "/boot");
        runtime.suspend(spec);
        release();
        timed("resume of a machine that was released", () -> runtime.resume(spec));
        assertThat(GuestStartBench.await(machine, "/boot")).isEqualTo(boot);
    }
}
