package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
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
import org.allod.base.SupervisedThread;
import org.allod.linux.DetachedProcess;
import org.allod.linux.LoopMount;
import org.allod.linux.ProcessIdentity;

/**
 * Machines as gVisor sandboxes: the image runs on a kernel of its own in user space, and the host's kernel serves that
 * one only. What is slow is done before it is asked for ({@link SandboxPreparer}), so that {@link #boot} and {@link #resume}
 * are runsc and little else (docs/decisions/021).
 */
public final class GVisorRuntime implements GuestRuntime {
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration ADOPT = Duration.ofSeconds(3);
    private static final Duration RELEASE = Duration.ofSeconds(5);
    private final RuntimeResources resources;
    private final SandboxPreparer preparer;
    private final Supplier<RunscConfig> runsc;
    private final Map<MachineId, GVisorGuest> guests = new ConcurrentHashMap<>();

    /** Machines whose guest we start or save right now: none that an earlier daemon left. */
    private final Set<MachineId> changing = ConcurrentHashMap.newKeySet();

    /** What was last run of each machine, to be made ready again when it has ended. */
    private final Map<MachineId, GuestSpec> specs = new ConcurrentHashMap<>();

    public GVisorRuntime(RuntimeResources resources) {
        this(resources, new RunscSelector(resources));
    }

    /** With one way of running runsc, whether or not it is the best: for the probe that finds out. */
    GVisorRuntime(RuntimeResources resources, Supplier<RunscConfig> runsc) {
        this.resources = resources;
        this.preparer = new SandboxPreparer(resources, runsc);
        this.runsc = runsc;
    }

    @Override
    public String name() {
        return "gvisor";
    }

    @Override
    public ProbeResult probe() {
        return new RunscProbe(resources).probe();
    }

    @Override
    public String fingerprint() {
        return RunscSelector.fingerprint(resources.config().tools());
    }

    @Override
    public void prepare(GuestSpec spec) {
        MachineId machine = spec.machine();
        if (preparer.known(machine) || sandbox(machine).find().isEmpty()) {
            clear(machine);
            preparer.toBoot(spec);
        }
    }

    /** Takes away what a crash in the middle of an earlier start left. A machine that is ready has nothing of it. */
    private void clear(MachineId machine) {
        if (!preparer.known(machine)) {
            sandbox(machine).kill();
            RuntimeResources.forget(GuestChannel.exitFile(folders(machine).home()));
        }
    }

    @Override
    public Guest boot(GuestSpec spec) {
        Optional<GVisorGuest> there = running(spec.machine());
        if (there.isPresent()) {
            // A daemon that died between starting it and telling it what it is has left that to us.
            there.get().channel().configure(setup(spec));
            resources.cgroups().create(spec.machine().text(), Sandbox.running(spec));
            return there.get();
        }
        return start(spec);
    }

    private GVisorGuest start(GuestSpec spec) {
        saved(spec.machine()).discard();
        clear(spec.machine());
        preparer.toBoot(spec);
        mountVolumes(spec);
        return begin(
                spec,
                "boot",
                List.of("run", "--detach", "--bundle=" + folders(spec.machine()).bundle()),
                true);
    }

    /**
     * Has runsc start the guest, by booting or by restoring. A booted one is of no use before PID 1 has been told what
     * it is; a resumed one goes on at once, and its PID 1 comes back to us within moments, waited for by nobody.
     */
    private GVisorGuest begin(GuestSpec spec, String what, List<String> command, boolean tell) {
        changing.add(spec.machine());
        try {
            return begun(spec, what, command, tell);
        } finally {
            changing.remove(spec.machine());
        }
    }

    private GVisorGuest begun(GuestSpec spec, String what, List<String> command, boolean tell) {
        MachineId machine = spec.machine();
        SandboxPaths folders = folders(machine);
        Sandbox sandbox = sandbox(machine);
        UnixSocketAcceptor dialer = listen(folders);
        GuestChannel channel = channel(machine, dialer);
        specs.put(machine, spec.discreet());
        preparer.usedUp(machine);
        GuestSetup setup = setup(spec);
        DetachedProcess.Started started = sandbox.launch(spec.diskMb(), command);
        Optional<GuestConfigurer> telling =
                tell ? Optional.of(new GuestConfigurer(machine, channel, setup, START)) : Optional.empty();
        try {
            sandbox.finish(started, START, what);
            ProcessIdentity process = sandbox.find()
                    .orElseThrow(() -> sandbox.failure(what, "it ended as soon as it was started", started));
            if (telling.isPresent()) {
                var _ = sandbox.ended(process).thenRun(telling.get()::giveUp);
                telling.get().await();
            } else {
                Thread _ = SupervisedThread.start("reach-guest", "reach-" + machine, () -> channel.adopt(ADOPT));
            }
            resources.cgroups().create(machine.text(), Sandbox.running(spec));
            return keep(sandbox, new GVisorGuest(resources, machine, process, channel, dialer));
        } catch (FailedException e) {
            telling.ifPresent(GuestConfigurer::giveUp);
            channel.close();
            close(dialer);
            telling.ifPresent(GuestConfigurer::configured);
            sandbox.kill();
            throw e;
        }
    }

    /** Not while a copy of one is being made. */
    private void mountVolumes(GuestSpec spec) {
        ReentrantLock still = resources.volumeLock(spec.machine());
        still.lock();
        try {
            new SandboxVolumes(folders(spec.machine())).mount(spec.volumes());
        } finally {
            still.unlock();
        }
    }

    private static void close(UnixSocketAcceptor dialer) {
        try {
            dialer.close();
        } catch (IOException e) {
            // The socket is closed; that its name is left in the folder harms nobody.
        }
    }

    private GVisorGuest keep(Sandbox sandbox, GVisorGuest guest) {
        guests.put(guest.machine(), guest);
        var _ = sandbox.ended(guest.process()).thenRun(() -> {
            // One that we suspended or halted has been seen off already.
            if (guests.remove(guest.machine(), guest)) {
                guest.channel().gone();
                guest.stopListening();
            }
        });
        return guest;
    }

    @Override
    public Optional<Guest> find(MachineId machine) {
        Optional<Guest> running = running(machine).map(guest -> guest);
        return running.isPresent() ? running : findExited(machine);
    }

    /** A guest that said how it ended to a daemon that died before it could act on it. */
    private Optional<Guest> findExited(MachineId machine) {
        return GuestChannel.read(GuestChannel.exitFile(folders(machine).home()))
                .map(exit -> new ExitedGuest(machine, exit));
    }

    /** The guest we speak to, or else one that runs without us: then we become its host. */
    private Optional<GVisorGuest> running(MachineId machine) {
        GVisorGuest known = guests.get(machine);
        if (known != null && known.process().alive()) {
            return Optional.of(known);
        }
        if (changing.contains(machine)) {
            return Optional.empty();
        }
        if (preparer.known(machine)) {
            return Optional.empty(); // for a start that is still to come: asking the kernel takes milliseconds
        }
        Sandbox sandbox = sandbox(machine);
        SandboxPaths folders = folders(machine);
        Optional<ProcessIdentity> found = sandbox.find();
        if (changing.contains(machine)) {
            return Optional.empty(); // a start that began since we asked
        }
        GVisorGuest since = guests.get(machine);
        if (since != null && since.process().alive()) {
            return Optional.of(since); // one that began and is over
        }
        return found.map(process -> {
            UnixSocketAcceptor dialer = listen(folders);
            GuestChannel channel = channel(machine, dialer);
            channel.adopt(ADOPT);
            saved(machine).removeUsed();
            return keep(sandbox, new GVisorGuest(resources, machine, process, channel, dialer));
        });
    }

    @Override
    public void suspend(GuestSpec spec) {
        MachineId machine = spec.machine();
        if (hasSavedMemory(machine)) {
            return;
        }
        Sandbox sandbox = sandbox(machine);
        MemoryCheckpoint saved = saved(machine);
        if (saved.hasBegun()) {
            if (savedMeanwhile(sandbox, saved)) {
                finished(spec, sandbox, saved);
                return;
            }
            saved.giveUp();
        }
        GVisorGuest guest = running(machine)
                .orElseThrow(
                        () -> new FailedException("cannot suspend machine " + machine + ": its guest does not run"));
        ReentrantLock still = resources.volumeLock(machine);
        still.lock();
        changing.add(machine);
        try {
            guest.stopListening(); // or PID 1 would come straight back
            guests.remove(machine, guest); // also where the rest fails: this conversation is over
            guest.channel().release(RELEASE);
            sandbox.tell(spec.diskMb(), MemoryCheckpoint.BOUND, List.of("checkpoint", "--image-path=" + saved.begin()));
            finished(spec, sandbox, saved);
        } catch (FailedException e) {
            saved.giveUp();
            throw e; // the guest, if it still runs, is found and spoken to again by whoever asks next
        } finally {
            changing.remove(machine);
            still.unlock();
        }
    }

    private void finished(GuestSpec spec, Sandbox sandbox, MemoryCheckpoint saved) {
        saved.finish();
        sandbox.kill();
        new SandboxVolumes(folders(spec.machine())).unmount();
        preparer.again(spec);
    }

    /**
     * Whether a runsc that a daemon asked to save memory, and then died, has done so: it goes on by itself, and the
     * guest ends only once all is written. (One that was killed in the middle leaves an image that does not resume;
     * then the machine boots from clean, as after any lost memory.)
     */
    private static boolean savedMeanwhile(Sandbox sandbox, MemoryCheckpoint saved) {
        sandbox.awaitCheckpoint(MemoryCheckpoint.BOUND);
        return sandbox.find().isEmpty() && written(saved);
    }

    /** What runsc writes is there, and from this life of the host, though nobody has said that it is whole. */
    static boolean written(MemoryCheckpoint saved) {
        try {
            return saved.begunThisBoot() && Files.size(saved.saving().resolve("checkpoint.img")) > 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public Guest resume(GuestSpec spec) {
        MachineId machine = spec.machine();
        SandboxPaths folders = folders(machine);
        Optional<GVisorGuest> already = running(machine);
        if (already.isPresent()) {
            resources.cgroups().create(machine.text(), Sandbox.running(spec));
            return already.get();
        }
        if (!hasSavedMemory(machine)) {
            throw new FailedException("cannot resume machine " + machine + ": no saved memory is in "
                    + saved(machine).saved());
        }
        knownForm(folders);
        Sandbox sandbox = sandbox(machine);
        sandbox.kill();
        preparer.toResume(spec);
        mountVolumes(spec);
        resources.cgroups().create(machine.text(), Sandbox.atResume(spec));
        MemoryCheckpoint saved = saved(machine);
        // runsc lets the guest go on as soon as it can, and not even its failure says that the guest never did.
        Path memory = saved.goOn();
        GVisorGuest guest = begin(
                spec,
                "resume",
                List.of("restore", "--detach", "--bundle=" + folders.bundle(), "--image-path=" + memory),
                false);
        saved.removeUsed();
        return guest;
    }

    /** runsc restores to the mounts that there were, and no others. */
    private static void knownForm(SandboxPaths folders) {
        Path file = folders.bundle().resolve("config.json");
        try {
            if (OciBundle.writableChannel(Files.readString(file))) {
                throw new FailedException(
                        "the memory of machine " + folders.machine() + " was saved by an older Allod, whose"
                                + " guests may write to a folder of the host: it can only boot from clean");
            }
        } catch (IOException e) {
            throw new FailedException(
                    "cannot resume machine " + folders.machine() + ": " + file + ": " + e.getMessage(), e);
        }
    }

    @Override
    public boolean hasSavedMemory(MachineId machine) {
        return saved(machine).exists();
    }

    @Override
    public void discardSuspended(MachineId machine) {
        saved(machine).discard();
    }

    private MemoryCheckpoint saved(MachineId machine) {
        return folders(machine).memory();
    }

    @Override
    public void halt(MachineId machine) {
        end(machine);
        RuntimeResources.forget(GuestChannel.exitFile(folders(machine).home()));
        GuestSpec spec = specs.get(machine);
        if (spec != null && !preparer.known(machine)) {
            preparer.again(spec);
        }
    }

    private void end(MachineId machine) {
        GVisorGuest guest = guests.remove(machine);
        if (guest != null) {
            guest.hangUp();
        }
        ReentrantLock still = resources.volumeLock(machine);
        still.lock(); // a copy of a volume is being made: the guest may not go before it is done
        try {
            sandbox(machine).kill();
            new SandboxVolumes(folders(machine)).unmount();
        } finally {
            still.unlock();
        }
        if (guest != null) {
            guest.channel().gone();
        }
    }

    @Override
    public void release(MachineId machine) {
        preparer.release(machine);
    }

    @Override
    public void remove(MachineId machine) {
        end(machine);
        specs.remove(machine);
        preparer.forget(machine);
        resources.remove(machine);
    }

    /** Whether or not the guest still runs: what is mounted may have something left to write. */
    @Override
    public <T> T withVolumeQuiesced(MachineId machine, GuestSpec.Volume volume, QuiesceMode.Work<T> work)
            throws InterruptedException {
        LoopMount mount = SandboxVolumes.on(volume);
        ReentrantLock still = resources.volumeLock(machine);
        still.lockInterruptibly();
        try {
            if (!mount.isMounted()) {
                return work.run(QuiesceMode.IDLE);
            }
            mount.freeze();
            try {
                return work.run(QuiesceMode.FROZEN);
            } finally {
                mount.thaw();
            }
        } finally {
            still.unlock();
        }
    }

    @Override
    public void tidy() {
        preparer.tidy();
    }

    @Override
    public Set<MachineId> present() {
        return resources.present();
    }

    private SandboxPaths folders(MachineId machine) {
        return SandboxPaths.of(resources, machine);
    }

    private Sandbox sandbox(MachineId machine) {
        return new Sandbox(resources, folders(machine), runsc.get());
    }

    private GuestChannel channel(MachineId machine, UnixSocketAcceptor dialer) {
        return new GuestChannel(
                machine,
                dialer,
                resources.logs().log(machine),
                folders(machine).home(),
                resources.clock(),
                resources.timers());
    }

    private static UnixSocketAcceptor listen(SandboxPaths folders) {
        try {
            return new UnixSocketAcceptor(folders.socket());
        } catch (IOException e) {
            throw new FailedException("cannot listen for the guest at " + folders.socket() + ": " + e.getMessage(), e);
        }
    }

    /** The runtime has set name and addresses; the rest is for PID 1 to write. */
    private GuestSetup setup(GuestSpec spec) {
        String address = spec.network().address(spec.machine());
        return GuestSetup.of(spec, List.of(), resources.networks().resolvers(), address)
                .settled();
    }
}
