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
 * Machines as gVisor sandboxes: the image runs on a user-space kernel of its own, and only that kernel makes system
 * calls on the host. Slow preparation happens in advance ({@link SandboxPreparer}), so that {@link #boot} and {@link
 * #resume} do little more than run runsc (docs/decisions/021).
 */
public final class GVisorRuntime implements GuestRuntime {
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration ADOPT = Duration.ofSeconds(3);
    private static final Duration RELEASE = Duration.ofSeconds(5);
    private final RuntimeResources resources;
    private final SandboxPreparer preparer;
    private final Supplier<RunscConfig> runsc;
    private final Map<MachineId, GVisorGuest> guests = new ConcurrentHashMap<>();

    /**
     * Machines whose guest this daemon is starting or saving now. {@link #running} must not adopt them as guests that
     * an earlier daemon left.
     */
    private final Set<MachineId> changing = ConcurrentHashMap.newKeySet();

    /** The last spec of each machine, used to prepare its next start after it has ended. */
    private final Map<MachineId, GuestSpec> specs = new ConcurrentHashMap<>();

    public GVisorRuntime(RuntimeResources resources) {
        this(resources, new RunscSelector(resources));
    }

    /** Uses a given runsc configuration, whether or not it is the best: for the probe that compares them. */
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

    /** Removes what a crash during an earlier start left. A prepared machine has nothing left over. */
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
            // An earlier daemon may have died between starting PID 1 and configuring it.
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
     * Has runsc boot or restore the guest. A booted guest is usable once PID 1 is configured, so that is awaited; a
     * resumed guest runs at once and its PID 1 reconnects within moments, so nothing waits for it.
     */
    private GVisorGuest begin(GuestSpec spec, String what, List<String> command, boolean configure) {
        changing.add(spec.machine());
        try {
            return startGuest(spec, what, command, configure);
        } finally {
            changing.remove(spec.machine());
        }
    }

    private GVisorGuest startGuest(GuestSpec spec, String what, List<String> command, boolean configure) {
        MachineId machine = spec.machine();
        SandboxPaths folders = folders(machine);
        Sandbox sandbox = sandbox(machine);
        UnixSocketAcceptor dialer = listen(folders);
        GuestChannel channel = channel(machine, dialer);
        specs.put(machine, spec.discreet());
        preparer.usedUp(machine);
        GuestSetup setup = setup(spec);
        DetachedProcess.Started started = sandbox.launch(spec.diskMb(), command);
        Optional<GuestConfigurer> configurer =
                configure ? Optional.of(new GuestConfigurer(machine, channel, setup, START)) : Optional.empty();
        try {
            sandbox.finish(started, START, what);
            ProcessIdentity process = sandbox.find()
                    .orElseThrow(() -> sandbox.failure(what, "it ended as soon as it was started", started));
            if (configurer.isPresent()) {
                var _ = sandbox.ended(process).thenRun(configurer.get()::giveUp);
                configurer.get().await();
            } else {
                Thread _ = SupervisedThread.start("reach-guest", "reach-" + machine, () -> channel.adopt(ADOPT));
            }
            resources.cgroups().create(machine.text(), Sandbox.running(spec));
            return keep(sandbox, new GVisorGuest(resources, machine, process, channel, dialer));
        } catch (FailedException e) {
            configurer.ifPresent(GuestConfigurer::giveUp);
            channel.close();
            close(dialer);
            configurer.ifPresent(GuestConfigurer::configured);
            sandbox.kill();
            throw e;
        }
    }

    /** Mounts the volumes; the lock excludes a copy of one that is in progress. */
    private void mountVolumes(GuestSpec spec) {
        ReentrantLock lock = resources.volumeLock(spec.machine());
        lock.lock();
        try {
            new SandboxVolumes(folders(spec.machine())).mount(spec.volumes());
        } finally {
            lock.unlock();
        }
    }

    private static void close(UnixSocketAcceptor dialer) {
        try {
            dialer.close();
        } catch (IOException e) {
            // The socket is closed; a leftover name in the folder is harmless.
        }
    }

    private GVisorGuest keep(Sandbox sandbox, GVisorGuest guest) {
        guests.put(guest.machine(), guest);
        var _ = sandbox.ended(guest.process()).thenRun(() -> {
            // If this daemon suspended or halted the guest, it has been removed already.
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

    /** A guest whose exit was recorded by a daemon that died before it could act on it. */
    private Optional<Guest> findExited(MachineId machine) {
        return GuestChannel.read(GuestChannel.exitFile(folders(machine).home()))
                .map(exit -> new ExitedGuest(machine, exit));
    }

    /**
     * The guest this daemon is connected to, or one that still runs after a restart of the daemon: adopts it by
     * connecting to its PID 1.
     */
    private Optional<GVisorGuest> running(MachineId machine) {
        GVisorGuest known = guests.get(machine);
        if (known != null && known.process().alive()) {
            return Optional.of(known);
        }
        if (changing.contains(machine)) {
            return Optional.empty();
        }
        if (preparer.known(machine)) {
            return Optional.empty(); // prepared for a start, so nothing runs; asking the kernel would take milliseconds
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
                finishSuspend(spec, sandbox, saved);
                return;
            }
            saved.giveUp();
        }
        GVisorGuest guest = running(machine)
                .orElseThrow(
                        () -> new FailedException("cannot suspend machine " + machine + ": its guest does not run"));
        ReentrantLock lock = resources.volumeLock(machine);
        lock.lock();
        changing.add(machine);
        try {
            guest.stopListening(); // otherwise PID 1 would reconnect at once
            guests.remove(machine, guest); // also if the rest fails: this channel is closed
            guest.channel().release(RELEASE);
            sandbox.tell(spec.diskMb(), MemoryCheckpoint.BOUND, List.of("checkpoint", "--image-path=" + saved.begin()));
            finishSuspend(spec, sandbox, saved);
        } catch (FailedException e) {
            saved.giveUp();
            throw e; // if the guest still runs, the next call finds it and connects again
        } finally {
            changing.remove(machine);
            lock.unlock();
        }
    }

    private void finishSuspend(GuestSpec spec, Sandbox sandbox, MemoryCheckpoint saved) {
        saved.finish();
        sandbox.kill();
        new SandboxVolumes(folders(spec.machine())).unmount();
        preparer.again(spec);
    }

    /**
     * Whether a checkpoint that an earlier daemon requested before it died is complete: runsc continues on its own, and
     * the guest ends only when everything is written. (A runsc that was killed midway leaves an image that does not
     * resume; the machine then boots from clean, as after any lost memory.)
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
        // runsc lets the guest run as soon as it can, and a failure does not prove that it never ran, so the memory
        // counts as used from here on.
        Path memory = saved.goOn();
        GVisorGuest guest = begin(
                spec,
                "resume",
                List.of("restore", "--detach", "--bundle=" + folders.bundle(), "--image-path=" + memory),
                false);
        saved.removeUsed();
        return guest;
    }

    /** Refuses a bundle of an older format: runsc can restore only with the same mounts. */
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
        ReentrantLock lock = resources.volumeLock(machine);
        lock.lock(); // excludes a volume copy in progress: the guest must not end before it is done
        try {
            sandbox(machine).kill();
            new SandboxVolumes(folders(machine)).unmount();
        } finally {
            lock.unlock();
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

    /** Freezes the mount whether or not the guest runs, because a mounted file system may have unwritten data. */
    @Override
    public <T> T withVolumeQuiesced(MachineId machine, GuestSpec.Volume volume, QuiesceMode.Work<T> work)
            throws InterruptedException {
        LoopMount mount = SandboxVolumes.on(volume);
        ReentrantLock lock = resources.volumeLock(machine);
        lock.lockInterruptibly();
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
            lock.unlock();
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

    /** The configuration for PID 1. The runtime has set host name and addresses already. */
    private GuestSetup setup(GuestSpec spec) {
        String address = spec.network().address(spec.machine());
        return GuestSetup.of(spec, List.of(), resources.networks().resolvers(), address)
                .settled();
    }
}
