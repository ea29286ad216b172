package org.allod.machine;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Failed;
import org.allod.base.Rejected;
import org.allod.image.Image;
import org.allod.image.ImageStore;
import org.allod.runtime.GuestRuntime;
import org.allod.runtime.GuestSpec;

/** From a machine's record to what its runtime needs to know. */
final class Boots {
    private final ImageStore images;
    private final Map<String, GuestRuntime> runtimes;
    private final long fleet;
    private final Disks disks;

    Boots(ImageStore images, Map<String, GuestRuntime> runtimes, long fleet, Disks disks) {
        this.images = images;
        this.runtimes = Map.copyOf(runtimes);
        this.fleet = fleet;
        this.disks = disks;
    }

    ImageStore images() {
        return images;
    }

    GuestRuntime runtime(Machine machine) {
        GuestRuntime runtime = runtimes.get(machine.runtime());
        if (runtime == null) {
            throw new Failed("machine %s wants the runtime %s, which this host does not offer (it has: %s)"
                    .formatted(machine.id(), machine.runtime(), String.join(", ", runtimes.keySet())));
        }
        return runtime;
    }

    List<GuestRuntime> runtimes() {
        return List.copyOf(runtimes.values());
    }

    /** The same record always gives the same spec. */
    GuestSpec spec(Machine machine) {
        MachineConfig config = machine.config();
        String digest = machine.image().map(Machine.ImageRef::digest).orElse("");
        Image image = images.find(config.image())
                .filter(i -> digest.isEmpty() || i.digest().equals(digest))
                .or(() -> images.find(digest))
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.NOT_FOUND,
                        "the image %s (%s) of machine %s is no longer on this host"
                                .formatted(config.image(), digest, machine.id()),
                        "bring it back with `allod image pull` or `allod image import`"));
        Image.Config of = image.config();
        return new GuestSpec(
                machine.id(),
                machine.version().toString(),
                image.rootImage(),
                config.cpus(),
                config.memoryMb(),
                config.diskMb(),
                ConfigReader.command(config, of.entrypoint(), of.cmd()),
                ConfigReader.environment(named(machine), of.env()),
                of.workingDir().isEmpty() ? "/" : of.workingDir(),
                Optional.of(of.user()).filter(u -> !u.isEmpty()),
                config.init().tty(),
                config.dns().hostname().orElse(machine.id().text()),
                config.files().stream().map(this::file).toList(),
                new GuestSpec.Net(fleet, machine.network()),
                options(config),
                disks.of(config));
    }

    private Image here(String reference) {
        return images.find(reference)
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.NOT_FOUND,
                        "the image " + reference + " is not on this host",
                        "bring it with `allod image pull` or `allod image import`"));
    }

    /** Makes every image ready that the configuration needs; returns the machine's own. */
    Image ensure(MachineConfig config) {
        for (MachineConfig.File file : config.files()) {
            if (file instanceof MachineConfig.File.ImageConfig of) {
                var _ = images.ensure(of.image(), ImageStore.Progress.NONE);
            }
        }
        return images.ensure(config.image(), ImageStore.Progress.NONE);
    }

    private static GuestSpec.Options options(MachineConfig config) {
        Dns dns = config.dns();
        List<String> resolv = new ArrayList<>();
        dns.nameservers().forEach(s -> resolv.add("nameserver " + s));
        if (!dns.searches().isEmpty()) {
            resolv.add("search " + String.join(" ", dns.searches()));
        }
        if (!dns.options().isEmpty()) {
            resolv.add("options " + String.join(" ", dns.options()));
        }
        return new GuestSpec.Options(
                config.guest().cpuWeight(),
                config.rootfs().persist() != MachineConfig.Rootfs.Persist.NEVER,
                config.init().swapMb(),
                config.guest().kernelArgs(),
                resolv,
                dns.fqdn());
    }

    private GuestSpec.File file(MachineConfig.File file) {
        byte[] content = switch (file) {
            case MachineConfig.File.Raw raw -> raw.content();
            case MachineConfig.File.ImageConfig of -> ImageNames.document(here(of.image()));
        };
        return new GuestSpec.File(file.path(), content, file.mode());
    }

    /** The environment every machine's processes have beside the image's, unless the configuration says otherwise. */
    private static Map<String, String> named(Machine machine) {
        Map<String, String> env = new LinkedHashMap<>();
        env.put("FLY_APP_NAME", machine.app());
        env.put("FLY_MACHINE_ID", machine.id().text());
        env.put("FLY_ALLOC_ID", machine.id().text());
        env.put("FLY_MACHINE_VERSION", machine.version().toString());
        env.put("FLY_REGION", machine.region());
        env.put("FLY_PRIVATE_IP", machine.address());
        env.put("FLY_IMAGE_REF", machine.config().image());
        env.put("FLY_VM_MEMORY_MB", "" + machine.config().memoryMb());
        env.putAll(machine.config().env());
        return env;
    }

    /** The signal that asks this machine to end: its own, or its image's, or SIGTERM. */
    int stopSignal(Machine machine) {
        return machine.config()
                .stop()
                .signal()
                .orElseGet(() -> images.find(machine.config().image())
                        .flatMap(i -> Signals.number(i.config().stopSignal()))
                        .orElse(15));
    }
}
