package org.allod.runtime;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.allod.base.MachineId;
import org.allod.base.ParallelTasks;

/**
 * Everything a sandbox's start needs but runsc: the network, the control group, the root, the bundle. Made when a machine
 * is, and again at the end of each of its runs, when nobody waits for it. What is known to be ready is only remembered
 * here, never relied on: after a restart of the daemon the same steps find it there. Safe for any thread; those of one
 * machine come one after the other.
 */
final class SandboxPreparer {
    private final RuntimeResources resources;
    private final SharedRootfsMounts roots;
    private final Supplier<RunscConfig> runsc;

    /** Machines of which all is as a boot needs it, and what they were prepared for. */
    private final Map<MachineId, Shape> ready = new ConcurrentHashMap<>();

    /** What the preparation depends on: all of a spec but what PID 1 is told. */
    private record Shape(
            String version,
            Path root,
            int cpus,
            int memoryMb,
            int cpuWeight,
            String hostname,
            GuestSpec.Net network,
            List<String> volumes) {
        static Shape of(GuestSpec spec) {
            return new Shape(
                    spec.version(),
                    spec.rootImage(),
                    spec.cpus(),
                    spec.memoryMb(),
                    spec.options().cpuWeight(),
                    spec.hostname(),
                    spec.network(),
                    spec.volumes().stream().map(v -> v.id() + ":" + v.path()).toList());
        }
    }

    SandboxPreparer(RuntimeResources resources, Supplier<RunscConfig> runsc) {
        this.resources = resources;
        this.roots = new SharedRootfsMounts(resources);
        this.runsc = runsc;
    }

    /** Whether the machine is ready for some start, if not for the next. Then no process of it runs. */
    boolean known(MachineId machine) {
        return ready.containsKey(machine);
    }

    private boolean known(GuestSpec spec) {
        return Shape.of(spec).equals(ready.get(spec.machine()));
    }

    /** Makes what is missing. Costs nothing where it was done ahead. */
    void toBoot(GuestSpec spec) {
        SandboxPaths folders = folders(spec.machine());
        if (!known(spec)) {
            ParallelTasks.run(
                    () -> makeHouse(spec, folders), () -> resources.networks().refresh(wire(spec)));
            ready.put(spec.machine(), Shape.of(spec));
        }
        runFolders(folders);
    }

    private void makeHouse(GuestSpec spec, SandboxPaths folders) {
        RuntimeResources.make(folders.upper());
        resources.cgroups().create(spec.machine().text(), Sandbox.atBoot(spec));
        Path root = roots.use(
                folders,
                spec.rootImage(),
                roots(spec),
                spec.volumes().stream().map(GuestSpec.Volume::path).toList());
        RuntimeResources.make(folders.bundle());
        RuntimeResources.write(
                folders.bundle().resolve("config.json"),
                OciBundle.json(
                        spec,
                        root,
                        folders,
                        resources.cgroups().path(spec.machine().text()),
                        runsc.get()));
    }

    /** The image of each unit's root, in its place; the machine's own where it has none. */
    private static List<Optional<Path>> roots(GuestSpec spec) {
        return spec.options().units().stream().map(GuestUnit::rootImage).toList();
    }

    /** Makes what is missing for a guest that goes on: with the bundle of then, as it must find the same again. */
    void toResume(GuestSpec spec) {
        SandboxPaths folders = folders(spec.machine());
        if (!known(spec)) {
            RuntimeResources.make(folders.upper());
            resources.networks().refresh(wire(spec));
            var _ = roots.again(folders);
        }
        runFolders(folders);
    }

    private void runFolders(SandboxPaths folders) {
        RuntimeResources.make(folders.state());
        RuntimeResources.make(folders.channel());
        RuntimeResources.make(resources.config().run().resolve("shared"));
        OomBaseline.set(resources, folders.machine());
    }

    /** A guest is about to start: runsc takes the addresses off the device. */
    void usedUp(MachineId machine) {
        ready.remove(machine);
        resources.networks().markInUse(machine);
    }

    /** Does the next boot's work now, when nobody waits for it. */
    void again(GuestSpec spec) {
        resources.networks().refresh(wire(spec));
        resources.cgroups().create(spec.machine().text(), Sandbox.atBoot(spec));
        ready.put(spec.machine(), Shape.of(spec));
    }

    private MachineLink wire(GuestSpec spec) {
        return resources.networks().setUp(spec.machine(), spec.network().address(spec.machine()), Optional.empty());
    }

    /** What was ready is about to be taken away; the claim on the root stays. */
    void release(MachineId machine) {
        ready.remove(machine);
    }

    /** The machine goes, and with it its claim on the root; the rest is the premises'. */
    void forget(MachineId machine) {
        ready.remove(machine);
        roots.release(folders(machine));
    }

    /** Lets go of roots that no machine uses. */
    void tidy() {
        roots.tidy();
    }

    private SandboxPaths folders(MachineId machine) {
        return SandboxPaths.of(resources, machine);
    }
}
