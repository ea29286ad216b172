package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.ParallelTasks;
import org.allod.base.RejectedException;
import org.allod.base.SupervisedThread;
import org.allod.linux.Cgroups;
import org.allod.linux.ProcessIdentity;

/**
 * Machines as virtual machines under QEMU: a kernel of their own, with hardware virtualization if the probe found it to
 * work, otherwise emulated.
 *
 * <p>The root is the image, read-only and shared, under a writable layer that is recreated at each boot. QEMU runs as
 * an unprivileged user of the machine's own, under its system call filter, inside the machine's control group and
 * network namespace. It outlives the daemon, which finds it again by its recorded process and its control socket.
 */
public final class MicroVmRuntime implements GuestRuntime {
    /** An emulated kernel on a busy host is slow; with KVM it is up in a second. */
    private static final Duration START = Duration.ofSeconds(60);

    private static final Duration ADOPT = Duration.ofSeconds(10);
    private static final Duration GREETING = Duration.ofSeconds(2);
    private static final Duration RELEASE = Duration.ofSeconds(5);
    private static final Duration OUTPUT_LOOK = Duration.ofSeconds(5);

    /**
     * What QEMU needs in addition to the guest's memory: itself, its devices' queues, and the emulator's code cache.
     */
    static final int OVERHEAD_MB = 96 + QemuCommandLine.EMULATOR_CACHE_MB;
    /** QEMU's own threads: one for each processor, and up to 64 for disk requests. */
    private static final int THREADS = 96;
    /**
     * CPU for QEMU's own work such as its devices, in thousandths of a processor. Without it a guest that keeps its
     * processor busy is throttled at the end of each period for what QEMU did: 50 to 75 ms of an emulated boot.
     */
    private static final int OVERHEAD_CPU = 100;

    private final RuntimeResources resources;
    private final BootArtifacts files;
    private final MicroVmProbe probe;
    private final Map<MachineId, MicroVmGuest> guests = new ConcurrentHashMap<>();

    /**
     * Machines whose QEMU this daemon is starting, loading or saving now. {@link #running} must not adopt them as
     * guests that an earlier daemon left.
     */
    private final Set<MachineId> changing = ConcurrentHashMap.newKeySet();

    public MicroVmRuntime(RuntimeResources resources) {
        this.resources = resources;
        GuestKernel kernel = new GuestKernel(resources.config().tools());
        this.files = new BootArtifacts(
                kernel,
                resources.config().guestBinary(),
                resources.config().data().resolve("microvm"));
        this.probe = new MicroVmProbe(resources, kernel, files);
    }

    @Override
    public String name() {
        return "microvm";
    }

    @Override
    public ProbeResult probe() {
        return probe.get();
    }

    @Override
    public String fingerprint() {
        return probe.fingerprint();
    }

    /** Whether guests run with hardware virtualization; throws if microVMs do not work at all. */
    private boolean isAccelerated() {
        ProbeResult found = probe.get();
        if (!found.works()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "microVMs do not work on this host" + (found.details().isEmpty() ? "" : ": ")
                            + String.join("; ", found.details()),
                    found.remedy());
        }
        return found.accelerated();
    }

    @Override
    public void prepare(GuestSpec spec) {
        VmPaths folders = folders(spec.machine());
        if (vm(spec.machine()).find().isEmpty()) {
            forget(GuestChannel.exitFile(folders.home()));
            var _ = makeReadyToBoot(spec);
        }
    }

    /** Prepares everything except QEMU and the disk. Costs next to nothing if it was done in advance. */
    private MachineLink makeReady(GuestSpec spec) {
        VmPaths folders = folders(spec.machine());
        RuntimeResources.make(folders.home());
        RuntimeResources.make(folders.run());
        resources
                .cgroups()
                .create(
                        spec.machine().text(),
                        new Cgroups.Limits(
                                spec.cpus() * 1000L + OVERHEAD_CPU,
                                (spec.memoryMb() + OVERHEAD_MB) * 1024L * 1024,
                                THREADS + spec.cpus(),
                                spec.options().cpuWeight()));
        return resources
                .networks()
                .setUp(spec.machine(), spec.network().address(spec.machine()), Optional.of(folders.uid()));
    }

    private MachineLink makeReadyToBoot(GuestSpec spec) {
        RuntimeResources.make(folders(spec.machine()).home());
        MachineLink[] link = new MachineLink[1];
        ParallelTasks.run(() -> link[0] = makeReady(spec), () -> layer(spec).makeAhead());
        return link[0];
    }

    private WritableLayer layer(GuestSpec spec) {
        VmPaths folders = folders(spec.machine());
        return new WritableLayer(
                resources.config().data().resolve("microvm"),
                spec.diskMb() + spec.options().swapMb(),
                spec.options().keepRoot(),
                folders.disk());
    }

    @Override
    public Guest boot(GuestSpec spec) {
        Optional<MicroVmGuest> already = running(spec.machine());
        if (already.isPresent()) {
            already.get().channel().configure(setup(spec, makeReady(spec)));
            return already.get();
        }
        VmPaths folders = folders(spec.machine());
        forget(GuestChannel.exitFile(folders.home()));
        MachineLink link = makeReadyToBoot(spec);
        resources.networks().refresh(link);
        OomBaseline.set(resources, spec.machine());
        folders.memory().discard();
        layer(spec).begin();
        return changing(spec.machine(), () -> begin(spec, link));
    }

    private MicroVmGuest begin(GuestSpec spec, MachineLink link) {
        MicroVm vm = vm(spec.machine());
        ProcessIdentity process = startQemu(spec, link, Optional.empty());
        GuestChannel channel = channel(spec.machine(), vm);
        BootConsoleWatcher watch = new BootConsoleWatcher(vm, process);
        try {
            vm.cont();
            channel.open(START, GREETING, watch.failed());
            channel.configure(setup(spec, link));
        } catch (FailedException e) {
            channel.close();
            vm.kill(process);
            throw new FailedException("cannot boot machine " + spec.machine() + ": " + watch.why(e.getMessage()), e);
        } finally {
            watch.close();
        }
        return keep(guest(spec.machine(), vm, process, channel));
    }

    @Override
    public void forgetRoot(MachineId machine) {
        forget(folders(machine).disk());
    }

    /**
     * Runs {@code work} under the lock that excludes volume copies, and marks the machine so that it is not adopted
     * meanwhile.
     */
    private <T> T changing(MachineId machine, Supplier<T> work) {
        ReentrantLock lock = resources.volumeLock(machine);
        lock.lock();
        changing.add(machine);
        try {
            return work.get();
        } finally {
            changing.remove(machine);
            lock.unlock();
        }
    }

    private ProcessIdentity startQemu(GuestSpec spec, MachineLink link, Optional<Path> incoming) {
        QemuCommandLine line = line(spec, link, incoming);
        if (incoming.isPresent()) {
            try {
                sameForm(spec.machine(), line);
            } catch (FailedException e) {
                VmVolumes.forgetKeys(spec.volumes(), folders(spec.machine()));
                throw e;
            }
        } else {
            forget(folders(spec.machine()).reclaiming());
        }
        RuntimeResources.write(folders(spec.machine()).form(), line.form());
        return vm(spec.machine()).start(line, Optional.of(link.namespace()));
    }

    /**
     * Refuses memory that was saved from a machine with other devices, with a clear message: QEMU would fail late and
     * unclearly.
     */
    private void sameForm(MachineId machine, QemuCommandLine line) {
        try {
            String saved = Files.readString(folders(machine).form());
            if (saved.equals(line.form())) {
                return;
            }
            throw new FailedException(
                    "the memory of machine " + machine + " was saved by another version of Allod, from a"
                            + " virtual machine with other devices: it can only boot from clean");
        } catch (NoSuchFileException e) {
            throw new FailedException(
                    "the memory of machine " + machine + " was saved by an older Allod, whose virtual machines had"
                            + " other devices: it can only boot from clean",
                    e);
        } catch (IOException e) {
            throw new FailedException("cannot read " + folders(machine).form() + ": " + e.getMessage(), e);
        }
    }

    private QemuCommandLine line(GuestSpec spec, MachineLink link, Optional<Path> incoming) {
        Path helper = resources.config().guestBinary();
        boolean kvm = isAccelerated();
        BootArtifacts.Made boot = files.get(kvm);
        return new QemuCommandLine(
                kvm,
                spec.cpus(),
                spec.memoryMb(),
                spec.options().kernelArgs(),
                boot.kernel(),
                boot.initramfs(),
                spec.rootImage(),
                folders(spec.machine()).disk(),
                spec.options().images(),
                folders(spec.machine()),
                incoming,
                Optional.of(new QemuCommandLine.Tap(MachineLink.TAP, link.mac())),
                VmVolumes.disks(spec.volumes(), folders(spec.machine())),
                helper);
    }

    private MicroVmGuest guest(MachineId machine, MicroVm vm, ProcessIdentity process, GuestChannel channel) {
        return new MicroVmGuest(resources, machine, vm, process, channel, OomBaseline.read(resources, machine));
    }

    private MicroVmGuest keep(MicroVmGuest guest) {
        guests.put(guest.machine(), guest);
        watchOutput(guest);
        var _ = guest.vm().ended(guest.process()).thenRun(() -> {
            // If this daemon suspended or halted the guest, it has been removed already.
            if (guests.remove(guest.machine(), guest)) {
                guest.channel().gone();
            }
        });
        return guest;
    }

    /** Checks the size of QEMU's output file periodically while it runs. */
    private void watchOutput(MicroVmGuest guest) {
        if (guest.equals(guests.get(guest.machine()))) {
            // Schedule the next check first: if this one throws, the timers report it and the next one still runs.
            var _ = resources.timers().after(OUTPUT_LOOK, () -> watchOutput(guest));
            guest.vm().boundOutput();
        }
    }

    @Override
    public Optional<Guest> find(MachineId machine) {
        Optional<Guest> running = running(machine).map(guest -> guest);
        return running.isPresent()
                ? running
                : GuestChannel.read(GuestChannel.exitFile(folders(machine).home()))
                        .map(exit -> new ExitedGuest(machine, exit));
    }

    /**
     * The guest this daemon is connected to, or one that still runs after a restart of the daemon: adopts it by
     * connecting to its PID 1.
     */
    private Optional<MicroVmGuest> running(MachineId machine) {
        MicroVmGuest known = guests.get(machine);
        if (known != null && known.process().alive()) {
            return Optional.of(known);
        }
        ReentrantLock still = resources.volumeLock(machine);
        if (!still.tryLock()) {
            if (changing.contains(machine)) {
                return Optional.empty();
            }
            // A copy of a volume is being made, or somebody else finds it: a start that takes its memory waits as well.
            still.lock();
        }
        try {
            MicroVmGuest since = guests.get(machine);
            return since != null && since.process().alive() ? Optional.of(since) : adopt(machine);
        } finally {
            still.unlock();
        }
    }

    /** Under the machine's lock: else a start that begins now could lose the memory that it loads. */
    private Optional<MicroVmGuest> adopt(MachineId machine) {
        if (changing.contains(machine)) {
            return Optional.empty(); // asked from within the change
        }
        MicroVm vm = vm(machine);
        MemoryCheckpoint memory = folders(machine).memory();
        if (memory.beingLoaded()) {
            // The last daemon died before the guest ran, so this is no running guest, and the memory can be used again.
            vm.clear();
            memory.putBack();
        }
        return vm.find().map(process -> {
            vm.confineAgain(process);
            GuestChannel channel = channel(machine, vm);
            if (memory.isResuming()) {
                memory.markDurable();
                vm.cont(); // The last daemon died between writing down that it runs and letting it run.
                memory.removeUsed();
            } else if (!memory.exists()) {
                vm.resumeSaved(); // the last daemon died while saving, for which the guest had been stopped
            }
            new Balloon(vm).settle();
            channel.adopt(ADOPT, GREETING);
            return keep(guest(machine, vm, process, channel));
        });
    }

    @Override
    public void suspend(GuestSpec spec) {
        MachineId machine = spec.machine();
        if (hasSavedMemory(machine)) {
            running(machine).ifPresent(guest -> halt(machine)); // killed between saving the memory and ending the guest
            return;
        }
        MicroVmGuest guest = running(machine)
                .orElseThrow(
                        () -> new FailedException("cannot suspend machine " + machine + ": its guest does not run"));
        boolean _ = changing(machine, () -> {
            // The memory may be discarded and the volumes copied before a resume, so what the guest wrote must be on
            // disk.
            guest.settle();
            // First, because this channel ends even if the rest fails; the next call connects again.
            guests.remove(machine, guest);
            guest.channel().release(RELEASE);
            guest.vm().save(guest.process(), spec.memoryMb());
            return true;
        });
    }

    @Override
    public Guest resume(GuestSpec spec) {
        MachineId machine = spec.machine();
        VmPaths folders = folders(machine);
        Optional<MicroVmGuest> already = running(machine);
        if (already.isPresent()) {
            return already.get();
        }
        if (!hasSavedMemory(machine)) {
            throw new FailedException("cannot resume machine " + machine + ": no saved memory is in "
                    + folders.memory().saved());
        }
        MachineLink link = makeReady(spec);
        resources.networks().refresh(link);
        OomBaseline.set(resources, spec.machine());
        return changing(machine, () -> resumeSaved(spec, link));
    }

    private MicroVmGuest resumeSaved(GuestSpec spec, MachineLink link) {
        MachineId machine = spec.machine();
        MicroVm vm = vm(machine);
        MemoryCheckpoint memory = folders(machine).memory();
        ProcessIdentity process = loadSaved(spec, link, vm, memory);
        try {
            var _ = memory.goOn();
            vm.cont();
        } catch (FailedException e) {
            vm.kill(process); // it may have run, so its memory must not be used again
            throw e;
        }
        memory.removeUsed();
        GuestChannel channel = channel(machine, vm);
        // The guest runs at once and PID 1 reconnects within moments, so nothing waits for it.
        Thread _ = SupervisedThread.start("reach-guest", "reach-" + machine, () -> channel.adopt(ADOPT, GREETING));
        return keep(guest(machine, vm, process, channel));
    }

    /** Starts QEMU with the saved memory loaded; the guest does not run yet. */
    private ProcessIdentity loadSaved(GuestSpec spec, MachineLink link, MicroVm vm, MemoryCheckpoint memory) {
        Path loading = memory.load();
        try {
            ProcessIdentity process = startQemu(spec, link, Optional.of(loading));
            vm.load();
            return process;
        } catch (FailedException e) {
            vm.clear();
            memory.putBack(); // nothing ran: another attempt may help, or the owner discards the memory
            throw e;
        }
    }

    /**
     * Memory that a daemon was about to resume when it died, and on which no guest has run, is still complete, so it is
     * put back first.
     */
    @Override
    public boolean hasSavedMemory(MachineId machine) {
        MemoryCheckpoint memory = folders(machine).memory();
        if (memory.beingLoaded()
                && !changing.contains(machine)
                && vm(machine).find().isEmpty()) {
            memory.putBack();
        }
        return memory.exists();
    }

    @Override
    public void discardSuspended(MachineId machine) {
        folders(machine).memory().discard();
    }

    @Override
    public void halt(MachineId machine) {
        end(machine);
        forget(GuestChannel.exitFile(folders(machine).home()));
    }

    private void end(MachineId machine) {
        MicroVmGuest guest = guests.remove(machine);
        if (guest != null) {
            guest.settle();
            guest.channel().close();
        }
        vm(machine).clear();
        if (guest != null) {
            guest.channel().gone();
        }
    }

    @Override
    public void remove(MachineId machine) {
        end(machine);
        resources.remove(machine);
    }

    @Override
    public <T> T withVolumeQuiesced(MachineId machine, GuestSpec.Volume volume, QuiesceMode.Work<T> work)
            throws InterruptedException {
        ReentrantLock lock = resources.volumeLock(machine);
        lock.lockInterruptibly();
        try {
            Optional<MicroVmGuest> guest = running(machine);
            return guest.isPresent() ? guest.get().whileStill(volume, work) : work.run(QuiesceMode.IDLE);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Set<MachineId> present() {
        return resources.present();
    }

    private VmPaths folders(MachineId machine) {
        return VmPaths.of(resources, machine);
    }

    private MicroVm vm(MachineId machine) {
        return new MicroVm(resources, folders(machine));
    }

    private GuestChannel channel(MachineId machine, MicroVm vm) {
        return new GuestChannel(
                machine,
                vm::dial,
                resources.logs().log(machine),
                folders(machine).home(),
                resources.clock(),
                resources.timers());
    }

    private GuestSetup setup(GuestSpec spec, MachineLink link) {
        GuestSetup.Interface network = new GuestSetup.Interface(
                "eth0",
                0,
                List.of(link.address6() + "/128", link.address4() + "/32"),
                List.of(MachineLink.GATEWAY6, MachineLink.GATEWAY4),
                MachineLink.GATEWAY_MAC);
        return GuestSetup.of(spec, List.of(network), resources.networks().resolvers(), link.address6());
    }

    private static void forget(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new FailedException("cannot delete " + file + ": " + e.getMessage(), e);
        }
    }
}
