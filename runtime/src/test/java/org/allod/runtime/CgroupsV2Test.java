package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.MachineId;
import org.allod.base.SystemClock;
import org.allod.base.SystemTimers;
import org.allod.base.Timers;
import org.allod.linux.Cgroups;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Control groups of version 2 with controllers, on any host: in a microVM, whose kernel has nothing else. {@link
 * CgroupsInside} is what runs there.
 */
class CgroupsV2Test {
    private static final MachineId MACHINE = MachineId.of(0xc6200000000fL);
    private static final long BOUND_SECONDS = 240;

    private final Path data = Path.of("target/cgroups-v2-test").toAbsolutePath();
    private final SystemTimers timers = new SystemTimers();
    private final RuntimeResources resources = new RuntimeResources(
            RuntimeConfig.of(data, GuestBinary.tools(), NetworkConfig.closed("cg2test")), new SystemClock(), timers);
    private final MicroVmRuntime runtime = new MicroVmRuntime(resources);

    @AfterEach
    void end() {
        runtime.present().forEach(runtime::remove);
        resources.close();
        resources.dismantle();
        timers.close();
    }

    @Test
    void groups_onAKernelWithAllControllers_boundKillCountAndEnd() throws Exception {
        runtime.present().forEach(runtime::remove); // Of a run of this test that was cut short.
        RuntimeResources.delete(data);
        Files.createDirectories(data);
        new GuestKernel(GuestBinary.tools()).install(System.out::println);
        GuestBinary.install();
        List<Path> classes = List.of(from(CgroupsInside.class), from(Cgroups.class), from(Timers.class));
        GuestSpec spec = spec(JavaImage.build(data, classes));
        runtime.prepare(spec);
        Guest guest = runtime.boot(spec);
        ExitStatus exit = guest.exited().get(BOUND_SECONDS, TimeUnit.SECONDS);
        assertThat(exit.code())
                .as(() -> "what it said:\n" + said() + "\nits kernel:\n" + kernel())
                .isZero();
        assertThat(said()).contains("all is well");
    }

    private static Path from(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    private static GuestSpec spec(Path image) {
        List<String> java = List.of(
                "/java/bin/java",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                "/app/0:/app/1:/app/2",
                CgroupsInside.class.getName());
        return new GuestSpec(
                MACHINE,
                "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                image,
                1,
                512,
                256,
                java,
                Map.of("PATH", "/usr/bin:/bin"),
                "/",
                Optional.empty(),
                false,
                "groups",
                List.of(),
                new GuestSpec.Net(0x42, 7));
    }

    private String said() {
        return String.join(
                "\n",
                resources.logs().log(MACHINE).tail(200).stream()
                        .map(LogLine::text)
                        .toList());
    }

    private String kernel() {
        return new MicroVm(resources, VmPaths.of(resources, MACHINE)).console();
    }
}
