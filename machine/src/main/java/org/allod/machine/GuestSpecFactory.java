package org.allod.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.image.Image;
import org.allod.image.ImageStore;
import org.allod.image.Requester;
import org.allod.runtime.GuestRuntime;
import org.allod.runtime.GuestSpec;

/** Makes the {@link GuestSpec} that a runtime needs from a machine's record, its image and its secrets. */
final class GuestSpecFactory {
    private final ImageStore images;
    private final Map<String, GuestRuntime> runtimes;
    private final SecretSource secrets;
    private final long fleet;
    private final VolumeResolver disks;

    GuestSpecFactory(
            ImageStore images,
            Map<String, GuestRuntime> runtimes,
            SecretSource secrets,
            long fleet,
            VolumeResolver disks) {
        this.images = images;
        this.secrets = secrets;
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
            throw new FailedException("machine %s wants the runtime %s, which this host does not offer (it has: %s)"
                    .formatted(machine.id(), machine.runtime(), String.join(", ", runtimes.keySet())));
        }
        return runtime;
    }

    List<GuestRuntime> runtimes() {
        return List.copyOf(runtimes.values());
    }

    /** The spec without secrets, for operations other than a boot. The same record always gives the same spec. */
    GuestSpec spec(Machine machine) {
        return spec(machine, Optional.empty());
    }

    /** The spec for a boot, with secrets; it must not be stored. */
    GuestSpec secretSpec(Machine machine) {
        return spec(machine, Optional.of(BootSecrets.of(secrets, machine.app(), machine.config())));
    }

    /** Refuses a configuration that cannot boot with the app's secrets, or that needs newer ones. */
    void checkSecrets(String app, MachineConfig config, long minVersion) {
        BootSecrets.of(secrets, app, config).check(minVersion);
    }

    private GuestSpec spec(Machine machine, Optional<BootSecrets> known) {
        MachineConfig config = machine.config();
        UnitSpecFactory units = new UnitSpecFactory(images, known);
        String digest = machine.image().map(Machine.ImageRef::digest).orElse("");
        Image image = images.find(config.image())
                .filter(i -> digest.isEmpty() || i.digest().equals(digest))
                .or(() -> images.find(digest))
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
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
                units.command(config, of),
                units.environment(machine, of.env(), Map.of(), List.of(), SecretSelection.USUAL),
                of.workingDir().isEmpty() ? "/" : of.workingDir(),
                Optional.of(of.user()).filter(u -> !u.isEmpty()),
                config.init().tty(),
                config.dns().hostname().orElse(machine.id().text()),
                units.files(config.files(), machine.app()),
                new GuestSpec.Net(fleet, machine.network()),
                options(machine, image, units),
                disks.of(config));
    }

    /** Pulls and prepares every image that the configuration needs; returns the machine's own. Interruptible. */
    Image ensure(MachineConfig config, Requester by) {
        for (String other : config.otherImages()) {
            var _ = ensure(config, other, by);
        }
        return ensure(config, config.image(), by);
    }

    private Image ensure(MachineConfig config, String reference, Requester by) {
        return inField(config, reference, () -> images.ensure(reference, by, ImageStore.Progress.NONE));
    }

    /** Runs {@code work}; a refusal then names the field of the configuration that names the image. */
    static <T> T inField(MachineConfig config, String reference, Supplier<T> work) {
        try {
            return work.get();
        } catch (RejectedException e) {
            String what = field(config, reference) + ": " + e.getMessage();
            throw e.hint()
                    .map(hint -> RejectedException.because(e.reason(), what, hint))
                    .orElseGet(() -> RejectedException.because(e.reason(), what));
        }
    }

    /** The field of the configuration that names the image. */
    private static String field(MachineConfig config, String reference) {
        if (reference.equals(config.json().path("image").asString(""))) {
            return "config.image";
        }
        for (int i = 0; i < config.containers().size(); i++) {
            if (reference.equals(config.containers().get(i).image())) {
                return "config.containers[" + i + "].image";
            }
        }
        return "config.files (image_config)";
    }

    private GuestSpec.Options options(Machine machine, Image image, UnitSpecFactory units) {
        MachineConfig config = machine.config();
        DnsConfig dns = config.dns();
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
                dns.fqdn(),
                units.of(machine, image),
                !config.processes().isEmpty());
    }

    /** The number of the signal that asks this machine to stop: its own, its image's, or SIGTERM. */
    int stopSignal(Machine machine) {
        if (!machine.config().containers().isEmpty()) {
            return UnitSpecFactory.END; // each container is asked with its own
        }
        return machine.config()
                .stop()
                .signal()
                .orElseGet(() -> images.find(machine.config().image())
                        .flatMap(i -> SignalNames.number(i.config().stopSignal()))
                        .orElse(15));
    }
}
