package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A daemon that is killed, and another that finds its guests: two real JVMs. */
class AdoptionTest {
    @TempDir
    Path folder;

    /** The daemon that will be killed. */
    static final class Daemon {
        public static void main(String[] args) {
            GuestStartBench bench = new GuestStartBench(Path.of(args[0]), args[1]);
            GVisorRuntime runtime = new GVisorRuntime(bench.resources);
            runtime.boot(bench.spec(new MachineId(args[2]), GuestStartBench.SERVER));
            runtime.boot(
                    bench.spec(new MachineId(args[3]), List.of("/bin/sh", "-c", "sleep 1; echo last words; exit 5")));
            GuestSpec saved = bench.spec(new MachineId(args[4]), GuestStartBench.SERVER);
            runtime.boot(saved);
            runtime.suspend(saved);
            System.out.println("ready " + GuestStartBench.await(new MachineId(args[2]), "/boot"));
            waitForever();
        }

        private static void waitForever() {
            while (true) {
                Thread.onSpinWait();
                java.util.concurrent.locks.LockSupport.parkNanos(1_000_000_000L);
            }
        }
    }

    @Test
    void guests_ofAKilledDaemon_areAdoptedByTheNext() throws Exception {
        String instance = "a" + ProcessHandle.current().pid();
        // Their namespaces are the host's: another run of this test may be at work on it.
        List<MachineId> machines = Stream.generate(
                        () -> MachineId.of(Rng.system().nextLong()))
                .limit(3)
                .sorted()
                .toList();
        Process daemon = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dallod.clone=" + GuestBinary.here(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Daemon.class.getName(),
                        folder.toString(),
                        instance,
                        machines.get(0).text(),
                        machines.get(1).text(),
                        machines.get(2).text())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader out = new BufferedReader(new InputStreamReader(daemon.getInputStream()));
        String line = out.readLine();
        assertThat(line).startsWith("ready ");
        String boot = line.substring(6);
        daemon.destroyForcibly().waitFor();
        TimeUnit.MILLISECONDS.sleep(1500); // the second guest's process ends while nobody is there

        try (GuestStartBench bench = new GuestStartBench(folder, instance)) {
            GVisorRuntime runtime = new GVisorRuntime(bench.resources);
            assertThat(runtime.present()).containsExactlyElementsOf(machines);
            assertThat(GuestStartBench.await(machines.get(0), "/boot")).isEqualTo(boot);
            long begin = System.nanoTime();
            Guest adopted = runtime.find(machines.get(0)).orElseThrow();
            System.out.printf("MEASURED adoption: %.0f ms%n", (System.nanoTime() - begin) / 1e6);
            assertThat(GuestStartBench.run(adopted, "cat", "/www/boot").out().strip())
                    .isEqualTo(boot);

            Guest ended = runtime.find(machines.get(1)).orElseThrow();
            assertThat(ended.exited().get(5, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(5, 0, false));
            assertThat(bench.resources.logs().log(machines.get(1)).tail(5))
                    .anyMatch(entry -> entry.text().equals("last words"));
            // Taken, but not acted upon before this daemon dies too: the next one still learns it.
            TimeUnit.MILLISECONDS.sleep(500);
            assertThat(new GVisorRuntime(bench.resources)
                            .find(machines.get(1))
                            .orElseThrow()
                            .exited()
                            .get(5, TimeUnit.SECONDS))
                    .isEqualTo(new ExitStatus(5, 0, false));
            runtime.halt(machines.get(1));
            assertThat(runtime.find(machines.get(1))).isEmpty();

            assertThat(runtime.hasSavedMemory(machines.get(2))).isTrue();
            Guest resumed = runtime.resume(bench.spec(machines.get(2), GuestStartBench.SERVER));
            GuestStartBench.await(machines.get(2), "/boot");
            assertThat(GuestStartBench.run(resumed, "echo", "here").out()).isEqualTo("here\n");

            runtime.halt(machines.get(0));
            assertThat(adopted.exited().get(5, TimeUnit.SECONDS)).isEqualTo(ExitStatus.LOST);
            for (MachineId machine : machines) {
                runtime.remove(machine);
                assertThat(bench.traces(machine)).isEmpty();
            }
            assertThat(Map.of("present", runtime.present())).containsEntry("present", java.util.Set.of());
        }
    }
}
