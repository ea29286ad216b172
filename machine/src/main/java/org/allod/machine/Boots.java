package org.allod.machine;

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

    Boots(ImageStore images, Map<String, GuestRuntime> runtimes, long fleet) {
        this.images = images;
        this.runtimes = Map.copyOf(runtimes);
        this.fleet = fleet;
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
                ConfigReader.environment(config, of.env()),
                of.workingDir().isEmpty() ? "/" : of.workingDir(),
                Optional.of(of.user()).filter(u -> !u.isEmpty()),
                config.init().tty(),
                machine.id().text(),
                config.files().stream()
                        .map(f -> new GuestSpec.File(f.path(), f.content(), f.mode()))
                        .toList(),
                new GuestSpec.Net(fleet, machine.network()));
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
