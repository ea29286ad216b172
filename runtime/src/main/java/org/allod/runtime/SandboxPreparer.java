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
 * Prepares everything a sandbox's start needs except runsc: network, control group, root, bundle. Done when a machine
 * is created and again after each of its runs, when nothing waits for it. The record of what is ready only saves work
 * and is never relied on: after a restart of the daemon the same steps find everything in place. Safe for any thread;
 * calls for one machine must not overlap.
 */
final class SandboxPreparer {
    private final RuntimeResources resources;
    private final SharedRootfsMounts roots;
    private final Supplier<RunscConfig> runsc;

    /** Machines that are ready to boot, and the spec they were prepared for. */
    private final Map<MachineId, Shape> ready = new ConcurrentHashMap<>();

    /** What the preparation depends on: everything in a spec except PID 1's configuration. */
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

    /** Whether the machine is prepared for some start, though perhaps an older spec. If so, no process of it runs. */
    boolean known(MachineId machine) {
        return ready.containsKey(machine);
    }

    private boolean known(GuestSpec spec) {
        return Shape.of(spec).equals(ready.get(spec.machine()));
    }

    /** Creates what is missing for a boot. Costs nothing if it was done in advance. */
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

    /** The image of each unit's root by index; empty for units that use the machine's own root. */
    private static List<Optional<Path>> roots(GuestSpec spec) {
        return spec.options().units().stream().map(GuestUnit::rootImage).toList();
    }

    /**
     * Creates what is missing for a resume, with the bundle of the suspended guest, which must find the same mounts
     * again.
     */
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

    /** Prepares the next boot now, when nothing waits for it. */
    void again(GuestSpec spec) {
        resources.networks().refresh(wire(spec));
        resources.cgroups().create(spec.machine().text(), Sandbox.atBoot(spec));
        ready.put(spec.machine(), Shape.of(spec));
    }

    private MachineLink wire(GuestSpec spec) {
        return resources.networks().setUp(spec.machine(), spec.network().address(spec.machine()), Optional.empty());
    }

    /** What was prepared is about to be released; the machine's claim on its shared root stays. */
    void release(MachineId machine) {
        ready.remove(machine);
    }

    /**
     * The machine is being removed, and with it its claim on the shared root; {@link RuntimeResources} removes the
     * rest.
     */
    void forget(MachineId machine) {
        ready.remove(machine);
        roots.release(folders(machine));
    }

    /** Unmounts roots that no machine uses. */
    void tidy() {
        roots.tidy();
    }

    private SandboxPaths folders(MachineId machine) {
        return SandboxPaths.of(resources, machine);
    }
}
