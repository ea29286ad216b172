package org.allod.runtime;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.allod.base.Beside;
import org.allod.base.MachineId;

/**
 * Everything a sandbox's start needs but runsc: the network, the control group, the root, the bundle. Made when a machine
 * is, and again at the end of each of its runs, when nobody waits for it. What is known to be ready is only remembered
 * here, never relied on: after a restart of the daemon the same steps find it there. Safe for any thread; those of one
 * machine come one after the other.
 */
final class Readiness {
    private final Premises premises;
    private final SharedRoots roots;
    private final Supplier<Runsc> runsc;

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

    Readiness(Premises premises, Supplier<Runsc> runsc) {
        this.premises = premises;
        this.roots = new SharedRoots(premises);
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
        SandboxFolders folders = folders(spec.machine());
        if (!known(spec)) {
            Beside.run(() -> makeHouse(spec, folders), () -> premises.networks().refresh(wire(spec)));
            ready.put(spec.machine(), Shape.of(spec));
        }
        runFolders(folders);
    }

    private void makeHouse(GuestSpec spec, SandboxFolders folders) {
        Premises.make(folders.upper());
        premises.cgroups().create(spec.machine().text(), Sandbox.atBoot(spec));
        Path root = roots.use(
                folders,
                spec.rootImage(),
                roots(spec),
                spec.volumes().stream().map(GuestSpec.Volume::path).toList());
        Premises.make(folders.bundle());
        Premises.write(
                folders.bundle().resolve("config.json"),
                Bundle.json(
                        spec,
                        root,
                        folders,
                        premises.cgroups().path(spec.machine().text()),
                        runsc.get()));
    }

    /** The image of each unit's root, in its place; the machine's own where it has none. */
    private static List<Optional<Path>> roots(GuestSpec spec) {
        return spec.options().units().stream().map(GuestUnit::rootImage).toList();
    }

    /** Makes what is missing for a guest that goes on: with the bundle of then, as it must find the same again. */
    void toResume(GuestSpec spec) {
        SandboxFolders folders = folders(spec.machine());
        if (!known(spec)) {
            Premises.make(folders.upper());
            premises.networks().refresh(wire(spec));
            var _ = roots.again(folders);
        }
        runFolders(folders);
    }

    private void runFolders(SandboxFolders folders) {
        Premises.make(folders.state());
        Premises.make(folders.channel());
        Premises.make(premises.config().run().resolve("shared"));
        OomMark.set(premises, folders.machine());
    }

    /** A guest is about to start: runsc takes the addresses off the device. */
    void usedUp(MachineId machine) {
        ready.remove(machine);
        premises.networks().taken(machine);
    }

    /** Does the next boot's work now, when nobody waits for it. */
    void again(GuestSpec spec) {
        premises.networks().refresh(wire(spec));
        premises.cgroups().create(spec.machine().text(), Sandbox.atBoot(spec));
        ready.put(spec.machine(), Shape.of(spec));
    }

    private Wire wire(GuestSpec spec) {
        return premises.networks().setUp(spec.machine(), spec.network().address(spec.machine()), Optional.empty());
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

    private SandboxFolders folders(MachineId machine) {
        return SandboxFolders.of(premises, machine);
    }
}
