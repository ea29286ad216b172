package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.allod.base.Clock;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Timers;
import org.allod.linux.Cgroups;
import org.allod.linux.Mounts;
import org.allod.linux.ProcessExitWatcher;
import org.allod.linux.TreeDeleter;

/**
 * Resources that the runtimes of one host share: folders, networks, control groups, the process watcher, machines'
 * logs, clock and timers. Built once, by the assembly. The kernel side (the parent control group, the packet filter)
 * stays when this is closed, because guests do.
 */
public final class RuntimeResources implements AutoCloseable {
    private final RuntimeConfig config;
    private final Networks networks;
    private final Cgroups cgroups;
    private final ProcessExitWatcher watch = new ProcessExitWatcher();
    private final LogStore logs;
    private final Clock clock;
    private final Timers timers;
    private final UserIds users;
    private final Map<MachineId, ReentrantLock> volumeLock = new ConcurrentHashMap<>();
    private final StoppedMachineReleaser releaser;

    public RuntimeResources(RuntimeConfig config, Clock clock, Timers timers) {
        this.config = config;
        this.networks = new Networks(config.network());
        this.users = UserIds.ofHost(config.network().instance());
        this.cgroups = Cgroups.detect("allod-" + config.network().instance());
        this.logs = new LogStore(config.machines(), clock);
        this.clock = clock;
        this.timers = timers;
        this.releaser = new StoppedMachineReleaser(clock, timers);
    }

    StoppedMachineReleaser releaser() {
        return releaser;
    }

    public RuntimeConfig config() {
        return config;
    }

    public Networks networks() {
        return networks;
    }

    public Cgroups cgroups() {
        return cgroups;
    }

    public ProcessExitWatcher watch() {
        return watch;
    }

    UserIds users() {
        return users;
    }

    public LogStore logs() {
        return logs;
    }

    public Clock clock() {
        return clock;
    }

    public Timers timers() {
        return timers;
    }

    /**
     * The lock that is held while a volume of the machine is copied, and while the machine is ended or its memory
     * saved.
     */
    ReentrantLock volumeLock(MachineId machine) {
        return volumeLock.computeIfAbsent(machine, _ -> new ReentrantLock());
    }

    /**
     * The machine's folder, with its log and saved memory. Created first and removed last of everything a machine has.
     */
    public Path folder(MachineId machine) {
        return config.machines().resolve(machine.text());
    }

    /** The machine's folder for sockets and state, empty after a reboot. */
    public Path run(MachineId machine) {
        return config.run().resolve(machine.text());
    }

    /** Resource use of a machine as the host measures it; only its runtime knows the size of its writable layer. */
    GuestStats stats(MachineId machine, long diskBytes) {
        Cgroups.Usage usage = cgroups.usage(machine.text());
        Networks.Traffic traffic = networks.traffic(machine);
        return new GuestStats(
                usage.cpuNanos(),
                usage.memoryBytes(),
                usage.memoryLimitBytes(),
                usage.processes(),
                traffic.received(),
                traffic.sent(),
                diskBytes);
    }

    /** Machines that have a folder, a network or a control group. */
    Set<MachineId> present() {
        Set<MachineId> machines = new TreeSet<>(networks.present());
        for (Path parent : List.of(config.machines(), config.run())) {
            names(parent).forEach(name -> MachineId.parse(name).ifPresent(machines::add));
        }
        cgroups.list().forEach(name -> MachineId.parse(name).ifPresent(machines::add));
        return machines;
    }

    /** Removes what every machine has, whatever its runtime: processes, control groups, network, folders. */
    void remove(MachineId machine) {
        cgroups.remove(machine.text());
        networks.remove(machine);
        logs.forget(machine);
        volumeLock.remove(machine);
        forgetRun(machine);
        delete(folder(machine));
    }

    /** Releases the kernel resources of a machine that does not run; what is on disk stays. */
    void release(MachineId machine) {
        cgroups.remove(machine.text());
        networks.remove(machine);
        logs.release(machine);
    }

    /** Ends the process watcher and closes the logs. Guests continue. */
    @Override
    public void close() {
        releaser.close();
        watch.close();
        logs.close();
    }

    /**
     * Removes everything in the kernel that no running guest needs, as a reboot would; the next start of a machine
     * recreates it. What is on disk stays. For a daemon that is stopping and no longer acts on machines.
     *
     * @return the machines whose guests run; if there are any, what all machines share stays too
     */
    public Set<MachineId> clear() {
        Set<MachineId> running = new TreeSet<>();
        for (MachineId machine : present()) {
            if (!cgroups.processes(machine.text()).isEmpty()) {
                running.add(machine);
            } else {
                cgroups.remove(machine.text());
                networks.remove(machine);
                unmountBelow(run(machine));
                forgetRun(machine);
            }
        }
        if (running.isEmpty()) {
            unmountBelow(config.data().resolve(SharedRootfsMounts.FOLDER));
            dismantle();
        }
        return running;
    }

    private void forgetRun(MachineId machine) {
        VmPaths.forget(users, machine, run(machine));
        delete(run(machine));
    }

    private static void unmountBelow(Path folder) {
        for (Mounts.Mount mount : Mounts.all().reversed()) {
            if (mount.target().startsWith(folder)) {
                Mounts.detach(mount.target());
            }
        }
    }

    /** Removes the remaining kernel resources when no machine is left. */
    public void dismantle() {
        networks.removeTable();
        cgroups.removeParent();
        // runsc mounts an empty network namespace there, shared by all its file servers.
        unmountBelow(config.run());
        delete(config.run());
    }

    static void make(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new FailedException("cannot make the folder " + folder + ": " + e.getMessage(), e);
        }
    }

    /** Creates a folder, in an existing one, that only root may enter. */
    static void makePrivate(Path folder) {
        try {
            Files.createDirectory(
                    folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            throw new FailedException("cannot make the folder " + folder + ": " + e.getMessage(), e);
        }
    }

    static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new FailedException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    static void forget(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new FailedException("cannot delete " + file + ": " + e.getMessage(), e);
        }
    }

    static Set<String> names(Path folder) {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> entries = Files.list(folder)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        } catch (NoSuchFileException e) {
            return names;
        } catch (IOException e) {
            throw new FailedException("cannot list " + folder + ": " + e.getMessage(), e);
        }
        return names;
    }

    /** Deletes a folder with its content, whoever created it; does nothing if it does not exist. */
    static void delete(Path folder) {
        TreeDeleter.delete(folder);
    }
}
