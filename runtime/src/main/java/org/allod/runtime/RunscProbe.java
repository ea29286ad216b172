package org.allod.runtime;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.base.Rng;

/**
 * Finds a runsc configuration that works here by booting a guest with each one, best first: boot, run a command, save,
 * resume, run a command again. The guest's image is an empty folder; it runs only its own PID 1.
 */
final class RunscProbe {
    private static final Duration COMMAND = Duration.ofSeconds(10);
    private static final String REMEDY =
            "Install gVisor's runsc from its own packages (https://gvisor.dev/docs/user_guide/install), or let"
                    + " `allod setup` build one where a Go toolchain is, then run `allod doctor` again.";

    private final RuntimeResources resources;

    RunscProbe(RuntimeResources resources) {
        this.resources = resources;
    }

    ProbeResult probe() {
        List<String> details = new ArrayList<>();
        List<Path> binaries = RunscSelector.binaries(resources.config().tools());
        if (binaries.isEmpty()) {
            details.add("no runsc at /usr/local/bin, " + resources.config().tools() + " or /usr/bin");
        }
        if (!Files.isExecutable(resources.config().guestBinary())) {
            details.add("no PID 1 for guests at " + resources.config().guestBinary());
            return new ProbeResult(false, "", Duration.ZERO, false, details, "Build it: guest/build.");
        }
        for (Path binary : binaries) {
            for (RunscConfig runsc : RunscConfig.ways(binary)) {
                try {
                    Duration boot = attempt(runsc);
                    details.add(binary + " (" + runsc.how() + "): works");
                    new RunscSelector(resources).keep(runsc);
                    return new ProbeResult(true, runsc.how(), boot, true, details, "");
                } catch (FailedException | RejectedException e) {
                    details.add(binary + " (" + runsc.how() + "): " + oneLine(String.valueOf(e.getMessage())));
                }
            }
        }
        return new ProbeResult(false, "", Duration.ZERO, false, details, REMEDY);
    }

    /** Reduces an error to one line: a runsc that does not know an option prints pages of usage. */
    private static String oneLine(String why) {
        return why.contains("runsc flags") || why.contains("flag provided but not defined")
                ? "it is too old: it does not know the options that this needs"
                : why.strip().replaceAll("\\s+", " ");
    }

    private static void suspend(GVisorRuntime runtime, GuestSpec spec) {
        try {
            runtime.suspend(spec);
        } catch (FailedException e) {
            throw new FailedException("it runs machines, but cannot suspend them: " + e.getMessage(), e);
        }
    }

    private Duration attempt(RunscConfig runsc) {
        MachineId machine = MachineId.of(Rng.system().nextLong());
        Path image = resources.folder(machine).resolve("image");
        RuntimeResources.make(image);
        GuestSpec spec = new GuestSpec(
                machine,
                "probe",
                image,
                1,
                64,
                16,
                // PID 1 again, connecting to nothing: the only program in the image, and one that waits.
                List.of(OciBundle.GUEST, "connect", "/nowhere"),
                Map.of(),
                "/",
                Optional.empty(),
                false,
                "probe",
                List.of(),
                new GuestSpec.Net(0, 0));
        GVisorRuntime runtime = new GVisorRuntime(resources, () -> runsc);
        try {
            runtime.prepare(spec);
            long begin = resources.clock().monoNanos();
            answers(runtime.boot(spec));
            Duration boot = Duration.ofNanos(resources.clock().monoNanos() - begin);
            suspend(runtime, spec);
            answers(runtime.resume(spec));
            return boot;
        } finally {
            runtime.remove(machine);
        }
    }

    /** Runs any command that starts and ends: PID 1 without arguments prints its usage. */
    private static void answers(Guest guest) {
        try (Exec exec = guest.exec(ExecSpec.of(OciBundle.GUEST))) {
            var _ = exec.exited().get(COMMAND.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new FailedException("the probe guest runs no command: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException("interrupted while probing", e);
        }
    }
}
