package org.allod.machine;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Which volume is attached to which machine. A volume is attached before its machine is recorded, and detached after
 * the machine has left the host, so no volume is ever attached to two machines. A crash in between leaves a volume
 * attached to no existing machine; {@link #recover} detaches it.
 */
final class VolumeAttachments {
    private final VolumeIndex volumes;
    private final VolumeAccess use;
    private final MachineIndex index;
    private final Clock clock;

    VolumeAttachments(VolumeIndex volumes, VolumeAccess use, MachineIndex index, Clock clock) {
        this.volumes = volumes;
        this.use = use;
        this.index = index;
        this.clock = clock;
    }

    /** Creates volumes that a configuration asks for and that do not exist. */
    interface Maker {
        Volume make(String app, String name, int sizeGb, boolean encrypted) throws InterruptedException;
    }

    /**
     * Attaches every volume that {@code config} names to the machine.
     *
     * @return the configuration with each volume's id filled in
     * @throws RejectedException if one is not available; what was attached here is then detached again
     */
    MachineConfig claim(String app, MachineId machine, String runtime, MachineConfig config, Maker maker)
            throws InterruptedException {
        if (config.mounts().isEmpty()) {
            return config;
        }
        volumes.checkInOrder();
        Set<VolumeId> before = of(machine);
        List<VolumeId> ids = new ArrayList<>();
        try {
            for (int i = 0; i < config.mounts().size(); i++) {
                MachineConfig.Mount mount = config.mounts().get(i);
                String field = "config.mounts[" + i + "]";
                VolumeId id = mount.volume().isEmpty()
                        ? byName(field, app, machine, runtime, mount, ids, maker)
                        : new VolumeId(mount.volume());
                take(field, app, machine, runtime, id, mount);
                ids.add(id);
            }
        } catch (RuntimeException | InterruptedException e) {
            ids.stream().filter(id -> !before.contains(id)).forEach(this::release);
            throw e;
        }
        return named(config, ids);
    }

    /** Attaches volumes that exist, each named by its id. */
    void claim(String app, MachineId machine, String runtime, MachineConfig config) {
        try {
            var _ = claim(app, machine, runtime, config, (a, name, size, encrypted) -> {
                throw new Bug("volume " + name + " was to be named by its id");
            });
        } catch (InterruptedException e) {
            throw new Bug("taking volumes that are there waits for nobody", e);
        }
    }

    private VolumeId byName(
            String field,
            String app,
            MachineId machine,
            String runtime,
            MachineConfig.Mount mount,
            List<VolumeId> taken,
            Maker maker)
            throws InterruptedException {
        List<Volume> called = volumes.all().stream()
                .filter(v -> v.app().equals(app) && v.name().equals(mount.name()))
                .filter(v -> !taken.contains(v.id()))
                .toList();
        // Prefer the machine's own, so that an update keeps the volume that it has.
        Optional<Volume> found = called.stream()
                .filter(v -> v.attached().filter(machine::equals).isPresent())
                .findFirst()
                .or(() -> called.stream()
                        .filter(v -> v.attached().isEmpty() && v.state() == VolumeState.CREATED)
                        .filter(v -> refusal(v, runtime).isEmpty())
                        .findFirst());
        if (found.isPresent()) {
            return found.get().id();
        }
        if (mount.sizeGb() > 0) {
            return maker.make(app, mount.name(), mount.sizeGb(), mount.encrypted())
                    .id();
        }
        throw RejectedException.because(
                RejectedException.Reason.CONFLICT,
                "%s.name is %s: app %s has %s"
                        .formatted(
                                field,
                                mount.name(),
                                app,
                                called.isEmpty()
                                        ? "no volume of that name"
                                        : "no free volume of that name that a " + runtime + " machine can have"),
                "create one with `allod volume create " + mount.name() + " --app " + app + "`, or say size_gb");
    }

    private void take(
            String field, String app, MachineId machine, String runtime, VolumeId id, MachineConfig.Mount mount) {
        Optional<Volume> taken = volumes.change(id, v -> {
            if (!v.app().equals(app)) {
                throw missing(field, id, app);
            }
            v.attached().filter(m -> !m.equals(machine)).ifPresent(m -> {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "%s.volume is %s, which machine %s has".formatted(field, id, m),
                        "a volume belongs to one machine at a time: destroy that machine, or update it without the volume");
            });
            if (v.state() != VolumeState.CREATED && v.attached().isEmpty()) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "%s.volume is %s, which is %s"
                                .formatted(field, id, v.state().wire()),
                        "wait until it is created");
            }
            if (v.attached().isEmpty() && use.isBeingCopied(id)) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "%s.volume is %s, of which a copy is being made".formatted(field, id),
                        "try again when that is done");
            }
            if (mount.encrypted() && !v.encrypted()) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "%s.encrypted is true, but volume %s is not encrypted".formatted(field, id),
                        "a volume is encrypted from its creation, or never");
            }
            refusal(v, runtime).ifPresent(why -> {
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "%s.volume is %s, %s".formatted(field, id, why),
                        "run the machine as a microVM");
            });
            if (runtime.equals("microvm") && v.attached().isEmpty() && use.isMounted(id)) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "%s.volume is %s, which the host's kernel still has mounted for a gVisor sandbox"
                                .formatted(field, id),
                        "restart the gVisor machines that were started while a machine had it, then try again");
            }
            return v.withAttachment(Optional.of(machine), Optional.of(runtime), clock.wall());
        });
        if (taken.isEmpty()) {
            throw missing(field, id, app);
        }
    }

    private static RejectedException missing(String field, VolumeId id, String app) {
        return RejectedException.because(
                RejectedException.Reason.NOT_FOUND,
                "%s.volume is %s: app %s has no such volume".formatted(field, id, app),
                "`allod volume list --app " + app + "` shows those it has");
    }

    /** Why a machine of this runtime cannot use the volume, attached or not. */
    private static Optional<String> refusal(Volume v, String runtime) {
        if (runtime.equals("microvm")) {
            return Optional.empty();
        }
        if (v.encrypted()) {
            return Optional.of("which is encrypted: on this host only a microVM can open it");
        }
        return v.writer()
                .filter("microvm"::equals)
                .map(w -> "which a virtual machine has written: its file system may be hostile, and for gVisor the "
                        + "host's own kernel would have to mount it");
    }

    private static MachineConfig named(MachineConfig config, List<VolumeId> ids) {
        ObjectNode json = config.json().deepCopy();
        ArrayNode mounts = (ArrayNode) json.get("mounts");
        for (int i = 0; i < ids.size(); i++) {
            ((ObjectNode) mounts.get(i)).put("volume", ids.get(i).text());
        }
        return MachineJson.config(json);
    }

    private Set<VolumeId> of(MachineId machine) {
        Set<VolumeId> ids = new HashSet<>();
        volumes.all().stream()
                .filter(v -> v.attached().filter(machine::equals).isPresent())
                .forEach(v -> ids.add(v.id()));
        return ids;
    }

    /** Detaches the machine's volumes that its configuration does not name; all of them once it is destroyed. */
    void settle(MachineId machine) {
        Set<String> named = new HashSet<>();
        index.get(machine).ifPresent(m -> m.config().mounts().forEach(mount -> named.add(mount.volume())));
        of(machine).stream().filter(id -> !named.contains(id.text())).forEach(this::release);
    }

    private void release(VolumeId id) {
        volumes.change(id, v -> v.withAttachment(Optional.empty(), Optional.empty(), clock.wall()));
    }

    /** Detaches volumes whose machine does not exist or does not name them. Called after the runs have resumed. */
    void recover(LifecycleDispatcher dispatcher) {
        Set<MachineId> machines = new HashSet<>();
        volumes.all().forEach(v -> v.attached().ifPresent(machines::add));
        for (MachineId machine : machines) {
            // An update's new configuration may name more volumes; its run detaches the rest.
            if (dispatcher.active(machine).isEmpty()) {
                settle(machine);
            }
        }
    }
}
