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
import org.allod.base.Beside;
import org.allod.base.Failed;
import org.allod.base.MachineId;
import org.allod.base.Rejected;
import org.allod.base.SupervisedThread;
import org.allod.linux.Cgroups;
import org.allod.linux.ProcessId;

/**
 * Machines as virtual machines under QEMU: a kernel of their own, behind a processor's virtualization where the probe
 * found that to work, else emulated.
 *
 * <p>The root is the image, read-only and shared, under a writable layer that begins anew with each boot. QEMU runs
 * as a user of the machine's own, without rights, under its system call filter, inside the machine's control group and
 * network namespace. It outlives the daemon and is found again by its recorded process and its control socket.
 */
public final class MicroVmRuntime implements GuestRuntime {
    /** An emulated kernel on a busy host takes its time; a real one is up in a second. */
    private static final Duration START = Duration.ofSeconds(60);

    private static final Duration ADOPT = Duration.ofSeconds(10);
    private static final Duration GREETING = Duration.ofSeconds(2);
    private static final Duration RELEASE = Duration.ofSeconds(5);
    private static final Duration OUTPUT_LOOK = Duration.ofSeconds(5);

    /** What QEMU takes beside the guest's memory: itself, its devices' queues, and the emulator's code. */
    static final int OVERHEAD_MB = 96 + QemuLine.EMULATOR_CACHE_MB;
    /** QEMU's own threads: one a processor, and up to 64 for disk requests. */
    private static final int THREADS = 96;
    /**
     * Thousandths of a processor for QEMU's own work, such as its devices'. Without it a guest that keeps its processor
     * busy is stopped at the end of each period for what QEMU did beside it: 50 to 75 ms of an emulated boot.
     */
    private static final int OVERHEAD_CPU = 100;

    private final Premises premises;
    private final BootFiles files;
    private final MicroVmProbe probe;
    private final Map<MachineId, MicroVmGuest> guests = new ConcurrentHashMap<>();

    /** Machines whose virtual machine we start, fill or save right now: none that an earlier daemon left. */
    private final Set<MachineId> changing = ConcurrentHashMap.newKeySet();

    public MicroVmRuntime(Premises premises) {
        this.premises = premises;
        GuestKernel kernel = new GuestKernel(premises.config().tools());
        this.files = new BootFiles(
                kernel,
                premises.config().guestBinary(),
                premises.config().data().resolve("microvm"));
        this.probe = new MicroVmProbe(premises, kernel, files);
    }

    @Override
    public String name() {
        return "microvm";
    }

    @Override
    public Probe probe() {
        return probe.get();
    }

    @Override
    public String fingerprint() {
        return probe.fingerprint();
    }

    /** Whether guests have the processor's help; refuses where there can be none at all. */
    private boolean accelerated() {
        Probe found = probe.get();
        if (!found.works()) {
            throw Rejected.because(
                    Rejected.Reason.UNSUPPORTED,
                    "microVMs do not work on this host" + (found.details().isEmpty() ? "" : ": ")
                            + String.join("; ", found.details()),
                    found.remedy());
        }
        return found.accelerated();
    }

    @Override
    public void prepare(GuestSpec spec) {
        VmFolders folders = folders(spec.machine());
        if (vm(spec.machine()).find().isEmpty()) {
            forget(GuestChannel.exitFile(folders.home()));
            var _ = makeReadyToBoot(spec);
        }
    }

    /** Everything but QEMU and the disk. Costs next to nothing where it was done ahead. */
    private Wire makeReady(GuestSpec spec) {
        VmFolders folders = folders(spec.machine());
        Premises.make(folders.home());
        Premises.make(folders.run());
        premises.cgroups()
                .create(
                        spec.machine().text(),
                        new Cgroups.Limits(
                                spec.cpus() * 1000L + OVERHEAD_CPU,
                                (spec.memoryMb() + OVERHEAD_MB) * 1024L * 1024,
                                THREADS + spec.cpus(),
                                spec.options().cpuWeight()));
        return premises.networks()
                .setUp(spec.machine(), spec.network().address(spec.machine()), Optional.of(folders.uid()));
    }

    private Wire makeReadyToBoot(GuestSpec spec) {
        Premises.make(folders(spec.machine()).home());
        Wire[] wire = new Wire[1];
        Beside.run(() -> wire[0] = makeReady(spec), () -> layer(spec).makeAhead());
        return wire[0];
    }

    private VmDisk layer(GuestSpec spec) {
        VmFolders folders = folders(spec.machine());
        return new VmDisk(
                premises.config().data().resolve("microvm"),
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
        VmFolders folders = folders(spec.machine());
        forget(GuestChannel.exitFile(folders.home()));
        Wire wire = makeReadyToBoot(spec);
        premises.networks().refresh(wire);
        OomMark.set(premises, spec.machine());
        folders.memory().discard();
        layer(spec).begin();
        return changing(spec.machine(), () -> begin(spec, wire));
    }

    private MicroVmGuest begin(GuestSpec spec, Wire wire) {
        MicroVm vm = vm(spec.machine());
        ProcessId process = startQemu(spec, wire, Optional.empty());
        GuestChannel channel = channel(spec.machine(), vm);
        BootWatch watch = new BootWatch(vm, process);
        try {
            vm.cont();
            channel.open(START, GREETING, watch.failed());
            channel.configure(setup(spec, wire));
        } catch (Failed e) {
            channel.close();
            vm.kill(process);
            throw new Failed("cannot boot machine " + spec.machine() + ": " + watch.why(e.getMessage()), e);
        } finally {
            watch.close();
        }
        return keep(guest(spec.machine(), vm, process, channel));
    }

    @Override
    public void forgetRoot(MachineId machine) {
        forget(folders(machine).disk());
    }

    /** Not while a copy of one of its volumes is being made, and told from what an earlier daemon left. */
    private <T> T changing(MachineId machine, Supplier<T> work) {
        ReentrantLock still = premises.still(machine);
        still.lock();
        changing.add(machine);
        try {
            return work.get();
        } finally {
            changing.remove(machine);
            still.unlock();
        }
    }

    private ProcessId startQemu(GuestSpec spec, Wire wire, Optional<Path> incoming) {
        QemuLine line = line(spec, wire, incoming);
        if (incoming.isPresent()) {
            try {
                sameForm(spec.machine(), line);
            } catch (Failed e) {
                VmVolumes.forgetKeys(spec.volumes(), folders(spec.machine()));
                throw e;
            }
        } else {
            forget(folders(spec.machine()).reclaiming());
        }
        Premises.write(folders(spec.machine()).form(), line.form());
        return vm(spec.machine()).start(line, Optional.of(wire.namespace()));
    }

    /** Says plainly what QEMU would run into: memory that was saved from another kind of machine. */
    private void sameForm(MachineId machine, QemuLine line) {
        try {
            String saved = Files.readString(folders(machine).form());
            if (saved.equals(line.form())) {
                return;
            }
            throw new Failed("the memory of machine " + machine + " was saved by another version of Allod, from a"
                    + " virtual machine with other devices: it can only boot from clean");
        } catch (NoSuchFileException e) {
            throw new Failed(
                    "the memory of machine " + machine + " was saved by an older Allod, whose virtual machines had"
                            + " other devices: it can only boot from clean",
                    e);
        } catch (IOException e) {
            throw new Failed("cannot read " + folders(machine).form() + ": " + e.getMessage(), e);
        }
    }

    private QemuLine line(GuestSpec spec, Wire wire, Optional<Path> incoming) {
        Path helper = premises.config().guestBinary();
        boolean kvm = accelerated();
        BootFiles.Made boot = files.get(kvm);
        return new QemuLine(
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
                Optional.of(new QemuLine.Tap(Wire.TAP, wire.mac())),
                VmVolumes.disks(spec.volumes(), folders(spec.machine())),
                helper);
    }

    private MicroVmGuest guest(MachineId machine, MicroVm vm, ProcessId process, GuestChannel channel) {
        return new MicroVmGuest(premises, machine, vm, process, channel, OomMark.of(premises, machine));
    }

    private MicroVmGuest keep(MicroVmGuest guest) {
        guests.put(guest.machine(), guest);
        watchOutput(guest);
        var _ = guest.vm().ended(guest.process()).thenRun(() -> {
            // One that we suspended or halted has been seen off already.
            if (guests.remove(guest.machine(), guest)) {
                guest.channel().gone();
            }
        });
        return guest;
    }

    /** Keeps what QEMU says small for as long as it runs. */
    private void watchOutput(MicroVmGuest guest) {
        if (guest.equals(guests.get(guest.machine()))) {
            // Set before the look: one that fails is reported by the timers, and followed by the next.
            var _ = premises.timers().after(OUTPUT_LOOK, () -> watchOutput(guest));
            guest.vm().boundOutput();
        }
    }

    @Override
    public Optional<Guest> find(MachineId machine) {
        Optional<Guest> running = running(machine).map(guest -> guest);
        return running.isPresent()
                ? running
                : GuestChannel.read(GuestChannel.exitFile(folders(machine).home()))
                        .map(exit -> new EndedGuest(machine, exit));
    }

    /** The guest we speak to, or else one that runs without us: then we become its host. */
    private Optional<MicroVmGuest> running(MachineId machine) {
        MicroVmGuest known = guests.get(machine);
        if (known != null && known.process().alive()) {
            return Optional.of(known);
        }
        if (changing.contains(machine)) {
            return Optional.empty();
        }
        MicroVm vm = vm(machine);
        SavedMemory memory = folders(machine).memory();
        if (memory.beingLoaded()) {
            // The last daemon died before it let it run: then it is no guest, and another is made of the memory.
            vm.clear();
            memory.putBack();
        }
        return vm.find().map(process -> {
            vm.confineAgain(process);
            GuestChannel channel = channel(machine, vm);
            if (memory.beingResumed()) {
                vm.cont(); // The last daemon died between writing down that it runs and letting it run.
                memory.used();
            } else if (!memory.exists()) {
                vm.goOn(); // It died while saving: the guest was stopped for that, and only we can let it run.
            }
            new Balloon(vm).settle();
            channel.adopt(ADOPT, GREETING);
            return keep(guest(machine, vm, process, channel));
        });
    }

    @Override
    public void suspend(GuestSpec spec) {
        MachineId machine = spec.machine();
        if (suspended(machine)) {
            running(machine).ifPresent(guest -> halt(machine)); // Killed between saving and ending it.
            return;
        }
        MicroVmGuest guest = running(machine)
                .orElseThrow(() -> new Failed("cannot suspend machine " + machine + ": its guest does not run"));
        boolean _ = changing(machine, () -> {
            // Its memory may be dropped, and its volumes copied, before it goes on: what it wrote is to be there.
            guest.settle();
            // First, because its conversation ends now, also where the rest fails: whoever asks next begins a new one.
            guests.remove(machine, guest);
            guest.channel().release(RELEASE);
            guest.vm().save(guest.process(), spec.memoryMb());
            return true;
        });
    }

    @Override
    public Guest resume(GuestSpec spec) {
        MachineId machine = spec.machine();
        VmFolders folders = folders(machine);
        Optional<MicroVmGuest> already = running(machine);
        if (already.isPresent()) {
            return already.get();
        }
        if (!suspended(machine)) {
            throw new Failed("cannot resume machine " + machine + ": no saved memory is in "
                    + folders.memory().saved());
        }
        Wire wire = makeReady(spec);
        premises.networks().refresh(wire);
        OomMark.set(premises, spec.machine());
        return changing(machine, () -> goOn(spec, wire));
    }

    private MicroVmGuest goOn(GuestSpec spec, Wire wire) {
        MachineId machine = spec.machine();
        MicroVm vm = vm(machine);
        SavedMemory memory = folders(machine).memory();
        ProcessId process = loaded(spec, wire, vm, memory);
        try {
            var _ = memory.goOn();
            vm.cont();
        } catch (Failed e) {
            vm.kill(process); // It may have run, so what it was made of is worth nothing any more.
            throw e;
        }
        memory.used();
        GuestChannel channel = channel(machine, vm);
        // The guest goes on at once; PID 1 is back within moments, waited for by nobody.
        Thread _ = SupervisedThread.start("reach-guest", "reach-" + machine, () -> channel.adopt(ADOPT, GREETING));
        return keep(guest(machine, vm, process, channel));
    }

    /** A virtual machine with the saved memory in it, which does not run. */
    private ProcessId loaded(GuestSpec spec, Wire wire, MicroVm vm, SavedMemory memory) {
        Path loading = memory.load();
        try {
            ProcessId process = startQemu(spec, wire, Optional.of(loading));
            vm.load();
            return process;
        } catch (Failed e) {
            vm.clear();
            memory.putBack(); // Nothing ran: another try may help, or its owner drops it.
            throw e;
        }
    }

    /** Memory that a daemon was about to resume from when it died, and that no guest has run on, is still whole. */
    @Override
    public boolean suspended(MachineId machine) {
        SavedMemory memory = folders(machine).memory();
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
        premises.remove(machine);
    }

    @Override
    public <T> T whileStill(MachineId machine, GuestSpec.Volume volume, Stillness.Work<T> work)
            throws InterruptedException {
        ReentrantLock still = premises.still(machine);
        still.lockInterruptibly();
        try {
            Optional<MicroVmGuest> guest = running(machine);
            return guest.isPresent() ? guest.get().whileStill(volume, work) : work.run(Stillness.IDLE);
        } finally {
            still.unlock();
        }
    }

    @Override
    public Set<MachineId> present() {
        return premises.present();
    }

    private VmFolders folders(MachineId machine) {
        return VmFolders.of(premises, machine);
    }

    private MicroVm vm(MachineId machine) {
        return new MicroVm(premises, folders(machine));
    }

    private GuestChannel channel(MachineId machine, MicroVm vm) {
        return new GuestChannel(
                machine,
                vm::dial,
                premises.logs().log(machine),
                folders(machine).home(),
                premises.clock(),
                premises.timers());
    }

    private GuestSetup setup(GuestSpec spec, Wire wire) {
        GuestSetup.Interface network = new GuestSetup.Interface(
                "eth0",
                0,
                List.of(wire.address6() + "/128", wire.address4() + "/32"),
                List.of(Wire.GATEWAY6, Wire.GATEWAY4),
                Wire.GATEWAY_MAC);
        return GuestSetup.of(spec, List.of(network), premises.networks().resolvers(), wire.address6());
    }

    private static void forget(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new Failed("cannot delete " + file + ": " + e.getMessage(), e);
        }
    }
}
