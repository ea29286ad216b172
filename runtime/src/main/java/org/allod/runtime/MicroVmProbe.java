package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.linux.BootId;
import org.allod.linux.Cgroups;
import org.allod.linux.Command;
import org.allod.linux.ProcessIdentity;
import org.jspecify.annotations.Nullable;

/**
 * Boots a small guest, first with KVM and then without, and reports what worked. That {@code /dev/kvm} exists or opens
 * proves nothing: on some clouds every ordinary kernel hangs under it.
 */
final class MicroVmProbe {
    /** With KVM a kernel is up within a second; one that is not up after this never will be. */
    private static final Duration KVM_BOUND = Duration.ofSeconds(8);

    private static final Duration TCG_BOUND = Duration.ofSeconds(60);
    private static final Duration GREETING = Duration.ofSeconds(2);
    private static final Path KVM = Path.of("/dev/kvm");
    private static final int MEMORY_MB = 128;
    private static final List<String> TOOLS =
            List.of(QemuCommandLine.PROGRAM, "setpriv", "unshare", "mkfs.ext4", "mkfs.erofs");

    private final RuntimeResources resources;
    private final GuestKernel kernel;
    private final BootArtifacts files;
    private @Nullable ProbeResult known;

    MicroVmProbe(RuntimeResources resources, GuestKernel kernel, BootArtifacts files) {
        this.resources = resources;
        this.kernel = kernel;
        this.files = files;
    }

    /**
     * The result of the first probe since the host booted with this kernel, guest binary and device; it is cached,
     * because a probe takes seconds that no start of a machine should wait for.
     */
    synchronized ProbeResult get() {
        if (known == null) {
            known = missing().isPresent() ? look() : kept().orElseGet(this::lookAndKeep);
        }
        return known;
    }

    /**
     * What the result depends on that can change without a new kernel: installed packages, the files of {@code allod
     * setup}, the device. A result cached from before would keep microVMs disabled.
     */
    String fingerprint() {
        List<Path> files = new ArrayList<>();
        TOOLS.forEach(tool -> program(tool).ifPresent(files::add));
        files.add(resources.config().guestBinary());
        files.add(kernel.vmlinuz());
        return RunscSelector.fingerprint(files) + (Files.exists(KVM) ? "kvm" : "no kvm");
    }

    private static Optional<Path> program(String tool) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":", -1))
                .map(folder -> Path.of(folder, tool))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private Path file() {
        return resources.config().data().resolve("microvm/probe");
    }

    /** The key under which the result is cached. */
    private String circumstances() {
        try {
            String boot = BootId.current();
            Path binary = resources.config().guestBinary();
            return boot + " " + kernel.release() + " " + Files.size(binary) + " " + Files.getLastModifiedTime(binary)
                    + " " + (Files.exists(KVM) ? Files.getPosixFilePermissions(KVM) : "no kvm");
        } catch (IOException e) {
            throw new FailedException("cannot tell under which circumstances a probe was made: " + e.getMessage(), e);
        }
    }

    private Optional<ProbeResult> kept() {
        try {
            List<String> lines = Files.readAllLines(file());
            if (lines.size() < 5 || !lines.get(0).equals(circumstances())) {
                return Optional.empty();
            }
            boolean kvm = lines.get(1).equals("kvm");
            Duration took = Duration.parse(lines.get(2));
            return Optional.of(new ProbeResult(true, lines.get(1), took, kvm, lines.subList(4, lines.size()), ""));
        } catch (IOException | DateTimeParseException e) {
            return Optional.empty(); // none, or an unreadable one: probe again
        }
    }

    private ProbeResult lookAndKeep() {
        ProbeResult probe = look();
        try {
            Files.deleteIfExists(file());
            if (probe.works()) {
                List<String> lines = new ArrayList<>(List.of(circumstances(), probe.how(), probe.boot() + "", ""));
                probe.details().forEach(line -> lines.add(line.replace('\n', ' ')));
                RuntimeResources.make(resources.config().data().resolve("microvm"));
                Path half = file().resolveSibling("probe.new");
                Files.write(half, lines);
                Files.move(half, file(), StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            throw new FailedException("cannot keep what the probe found in " + file() + ": " + e.getMessage(), e);
        }
        return probe;
    }

    private ProbeResult look() {
        List<String> details = new ArrayList<>();
        Optional<String> missing = missing();
        if (missing.isPresent()) {
            return new ProbeResult(false, "", Duration.ZERO, false, details, missing.get());
        }
        if (!Files.exists(KVM)) {
            details.add("kvm: there is no /dev/kvm on this host");
        } else {
            try {
                Duration took = boot(true, KVM_BOUND);
                details.add("kvm: a probe guest answered after " + took.toMillis() + " ms");
                return new ProbeResult(true, "kvm", took, true, details, "");
            } catch (FailedException e) {
                details.add("kvm: " + e.getMessage());
            }
        }
        try {
            Duration took = boot(false, TCG_BOUND);
            details.add(
                    "tcg: a probe guest answered after " + took.toMillis() + " ms; the processor is emulated, slowly");
            return new ProbeResult(true, "tcg", took, false, details, "");
        } catch (FailedException e) {
            details.add("tcg: " + e.getMessage());
            return new ProbeResult(
                    false, "", Duration.ZERO, false, details, "see the lines above; `allod setup` repairs what it can");
        }
    }

    private Optional<String> missing() {
        for (String tool : TOOLS) {
            if (program(tool).isEmpty()) {
                return Optional.of(tool + " is not installed: run `allod setup`");
            }
        }
        if (!kernel.present()) {
            return Optional.of("there is no kernel for guests in "
                    + resources.config().tools().resolve("kernel") + ": run `allod setup`");
        }
        Path binary = resources.config().guestBinary();
        return Files.isExecutable(binary)
                ? Optional.empty()
                : Optional.of("there is no " + binary + ": run `allod setup`");
    }

    /** Boots a guest with an empty root and no network until its PID 1 answers; returns the time it took. */
    private Duration boot(boolean kvm, Duration bound) {
        MachineId machine = MachineId.of(Rng.system().nextLong());
        VmPaths folders = VmPaths.of(resources, machine);
        MicroVm vm = new MicroVm(resources, folders);
        try {
            RuntimeResources.make(folders.home());
            RuntimeResources.make(folders.run());
            Path empty = folders.home().resolve("empty");
            Path root = folders.home().resolve("root.erofs");
            RuntimeResources.make(empty);
            var _ = Command.of("mkfs.erofs", "--quiet", root.toString(), empty.toString())
                    .output();
            new WritableLayer(folders.home(), 16, false, folders.disk()).begin();
            long memory = (MEMORY_MB + 256L) << 20;
            resources.cgroups().create(machine.text(), new Cgroups.Limits(1000, memory, 128));
            BootArtifacts.Made boot = files.get(kvm);
            QemuCommandLine line = new QemuCommandLine(
                    kvm,
                    1,
                    MEMORY_MB,
                    List.of(),
                    boot.kernel(),
                    boot.initramfs(),
                    root,
                    folders.disk(),
                    List.of(),
                    folders,
                    Optional.empty(),
                    Optional.empty(),
                    List.of(),
                    resources.config().guestBinary());
            long before = resources.clock().monoNanos();
            ProcessIdentity process = vm.start(line, Optional.empty());
            ConsoleLog log = resources.logs().log(machine);
            GuestChannel channel =
                    new GuestChannel(machine, vm::dial, log, folders.home(), resources.clock(), resources.timers());
            BootConsoleWatcher watch = new BootConsoleWatcher(vm, process);
            try {
                vm.cont();
                channel.open(bound, GREETING, watch.failed());
                return Duration.ofNanos(resources.clock().monoNanos() - before);
            } catch (FailedException e) {
                throw new FailedException(
                        "a probe guest did not answer within " + bound.toSeconds() + " s; " + watch.why(""));
            } finally {
                watch.close();
                channel.close();
                vm.kill(process);
            }
        } finally {
            resources.remove(machine);
        }
    }
}
