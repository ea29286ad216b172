package org.allod.deploy;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.image.Image;
import org.allod.image.ImageStore;
import org.allod.image.Requester;
import org.allod.machine.Actor;
import org.allod.machine.ConfigReader;
import org.allod.machine.Machine;
import org.allod.machine.MachineConfig;
import org.allod.machine.MachineCreator;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.Sleeper;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.node.ObjectNode;

/**
 * The effects of a deploy on real machines, through the same facade that the API uses. A machine that an effect created
 * or changed carries the deploy's id in its metadata, from which a second attempt knows what the first one did.
 */
final class MachineDeployOperations implements DeployOperations {
    /** The metadata key of a machine's process group, with the name that existing clients use. */
    static final String GROUP = "fly_process_group";

    /** The metadata key of the deploy that gave a machine its configuration. */
    static final String DEPLOY = "allod_deploy";

    /** How long to wait for somebody else's run on a machine before the machine counts as busy. */
    private static final Duration SETTLE = Duration.ofSeconds(30);

    /** How long to wait for a run that the deploy started; a stop alone may take five minutes. */
    private static final Duration OURS = Duration.ofMinutes(10);

    /** A deploy acts as a client without a lease: it cannot change a machine that somebody has leased. */
    private static final Actor.Client US = new Actor.Client("deploy", Optional.empty());

    /** The deploy as an actor with the rights of the caller who asked for it. */
    private static Actor.Client asker(Deploy deploy) {
        return new Actor.Client(US.name(), US.nonce(), deploy.plan().tenant());
    }

    private final Machines machines;
    private final ImageStore images;
    private final ReadinessCheck readiness;
    private final ReleaseCommand command;

    MachineDeployOperations(Machines machines, ImageStore images, Sleeper sleeper, Clock clock) {
        this.machines = machines;
        this.images = images;
        this.readiness = new ReadinessCheck(machines, sleeper, clock);
        this.command = new ReleaseCommand(machines, readiness);
    }

    @Override
    public String pin(Deploy deploy, String image) {
        Requester by = Requester.of(deploy.app(), deploy.plan().tenant());
        Image ready = images.ensure(image, by, ImageStore.Progress.NONE);
        String name = ready.reference();
        return (name.indexOf('@') < 0 ? name : name.substring(0, name.indexOf('@'))) + "@" + ready.digest();
    }

    @Override
    public void release(Deploy deploy) throws InterruptedException {
        command.run(deploy);
    }

    @Override
    public void destroyReleaseMachine(Deploy deploy, boolean all) throws InterruptedException {
        command.destroyMachines(deploy.app(), m -> all || m.state() != MachineState.STOPPED);
    }

    @Override
    public List<ObservedMachine> survey(String app) throws InterruptedException {
        List<ObservedMachine> seen = new java.util.ArrayList<>();
        for (Machine found : machines.list(app, false)) {
            String group = metadata(found.config(), GROUP);
            if (!group.isEmpty()) {
                Machine m = awaitSettled(found, SETTLE);
                seen.add(new ObservedMachine(
                        m.id().text(),
                        m.name(),
                        group,
                        m.version().toString(),
                        m.state() == MachineState.STARTED,
                        m.state() == MachineState.FAILED,
                        m.cordoned()));
            }
        }
        return seen;
    }

    @Override
    public String perform(Deploy deploy, Slot slot, DeployEffect effect) throws InterruptedException {
        try {
            return performed(deploy, slot, effect);
        } catch (RejectedException e) {
            boolean leased = e.reason() == RejectedException.Reason.CONFLICT
                    && find(deploy, slot)
                            .flatMap(m -> machines.leases().of(m.id()))
                            .isPresent();
            throw leased ? new Leased(DeployDriver.text(e)) : e;
        }
    }

    private String performed(Deploy deploy, Slot slot, DeployEffect effect) throws InterruptedException {
        Optional<Machine> found = find(deploy, slot);
        if (found.isEmpty()) {
            return switch (effect) {
                case DeployEffect.Change change when slot.role().made() -> make(deploy, slot, change);
                case DeployEffect.Remove _ -> "";
                default -> throw new MachineGone(slot.name());
            };
        }
        Machine m = found.get();
        switch (effect) {
            case DeployEffect.Change change -> change(deploy, slot, m, change);
            case DeployEffect.Prove prove ->
                readiness.of(m.id(), prove.checks(), deploy.plan().waitTimeout(), now -> checkOurs(deploy, now));
            case DeployEffect.Rest _ -> {
                checkOurs(deploy, m);
                stop(awaitSettled(m, SETTLE));
            }
            case DeployEffect.Open _ -> {
                checkOurs(deploy, m);
                machines.cordon(m, false, US);
            }
            case DeployEffect.Close _ -> machines.cordon(m, true, US);
            case DeployEffect.Remove _ -> remove(m);
            case DeployEffect.Restore _ -> restore(deploy, slot, m);
        }
        return m.id().text();
    }

    @Override
    public Optional<String> findDrift(Deploy deploy, DeployState end) {
        for (Slot slot : end.slots()) {
            if (!slot.role().moves() || slot.phase() != SlotPhase.SERVING) {
                continue;
            }
            Optional<Machine> found = machines.find(new MachineId(slot.machine()));
            try {
                if (found.isPresent()) {
                    checkOurs(deploy, found.get());
                } else if (slot.role().made()) {
                    return Optional.of("machine " + slot.name() + " was destroyed by somebody else");
                }
            } catch (MachineUnhealthy e) {
                return Optional.of("machine " + slot.name() + " " + e.getMessage());
            }
        }
        return Optional.empty();
    }

    /** Fails if somebody else has changed the machine's configuration since the deploy did. */
    private static void checkOurs(Deploy deploy, Machine m) {
        if (!metadata(m.config(), DEPLOY).equals(deploy.id())) {
            throw new MachineUnhealthy("was given another configuration by somebody else");
        }
    }

    /** The slot's machine, by its id or by the name that the deploy gives it. */
    private Optional<Machine> find(Deploy deploy, Slot slot) {
        if (!slot.machine().isEmpty()) {
            return machines.find(new MachineId(slot.machine()));
        }
        return machines.list(deploy.app(), false).stream()
                .filter(m -> m.name().equals(slot.name()))
                .filter(m -> metadata(m.config(), DEPLOY).equals(deploy.id()))
                .findFirst();
    }

    // --- to the new version

    private String make(Deploy deploy, Slot slot, DeployEffect.Change change) throws InterruptedException {
        MachineCreator.Request request = new MachineCreator.Request(
                Optional.of(slot.name()),
                Optional.empty(),
                Optional.empty(),
                false, // started in a step of its own
                change.apart(),
                Optional.empty(),
                config(deploy, slot, Optional.empty()),
                deploy.plan().tenant());
        Machine made = machines.create(deploy.app(), request);
        change(deploy, slot, made, change);
        return made.id().text();
    }

    private void change(Deploy deploy, Slot slot, Machine found, DeployEffect.Change change)
            throws InterruptedException {
        Machine m = awaitSettled(found, SETTLE);
        if (!metadata(m.config(), DEPLOY).equals(deploy.id())) {
            m = update(m, config(deploy, slot, Optional.of(m)), change.launch(), asker(deploy));
        }
        if (change.apart() && !m.cordoned()) {
            machines.cordon(m, true, US);
        }
        if (change.launch() && m.state() != MachineState.STARTED) {
            start(m);
        }
    }

    /** The group's configuration, with the machine's other metadata kept and the deploy's own added. */
    private static MachineConfig config(Deploy deploy, Slot slot, Optional<Machine> now) {
        ObjectNode config =
                deploy.plan().group(slot.group()).orElseThrow().config().deepCopy();
        ObjectNode metadata = now.map(MachineDeployOperations::notes).orElseGet(config::objectNode);
        if (config.get("metadata") instanceof ObjectNode given) {
            metadata.setAll(given);
        }
        metadata.put(GROUP, slot.group()).put(DEPLOY, deploy.id());
        config.set("metadata", metadata);
        return ConfigReader.read(StrictJsonReader.of(config, "config"));
    }

    /**
     * The configuration before the deploy. Metadata keys that the deploy set get the values of that version or are
     * removed; all other metadata stays as it is now, since it changes without a new version.
     */
    private static MachineConfig before(Deploy deploy, Slot slot, MachineConfig before, Machine now) {
        ObjectNode config = before.json().deepCopy();
        ObjectNode metadata = notes(now);
        Set<String> own = new HashSet<>(Set.of(GROUP, DEPLOY));
        deploy.plan()
                .group(slot.group())
                .ifPresent(g -> own.addAll(g.config().path("metadata").propertyNames()));
        for (String key : own) {
            metadata.remove(key);
            if (config.path("metadata").has(key)) {
                metadata.set(key, config.path("metadata").get(key));
            }
        }
        config.set("metadata", metadata);
        return ConfigReader.read(StrictJsonReader.of(config, "config"));
    }

    private static ObjectNode notes(Machine m) {
        return m.config().json().get("metadata") instanceof ObjectNode given
                ? given.deepCopy()
                : m.config().json().objectNode();
    }

    /** Updates the machine and waits until it is in a lasting state. */
    private Machine update(Machine m, MachineConfig config, boolean launch, Actor.Client by)
            throws InterruptedException {
        Optional<String> expected = Optional.of(m.version().toString());
        Machine now = machines.update(m, new Machines.UpdateRequest(config, expected, launch, Optional.empty()), by);
        return awaitSettled(now, OURS);
    }

    private void start(Machine m) throws InterruptedException {
        machines.start(m, US);
        Machine now = awaitSettled(m, OURS);
        if (now.state() != MachineState.STARTED) {
            throw new MachineUnhealthy("did not start: " + readiness.lastWords(now.id()));
        }
    }

    private void stop(Machine m) throws InterruptedException {
        machines.stop(m, Optional.empty(), Optional.empty(), US);
        awaitSettled(m, OURS);
    }

    // --- away

    private void remove(Machine m) throws InterruptedException {
        machines.cordon(m, true, US);
        if (m.state() == MachineState.STARTED) {
            // Stop it first, so that its requests and its main process can finish; a destroy would cut them off.
            stop(m);
        }
        machines.destroy(m, true, US);
        machines.await(m, Set.of(MachineState.DESTROYED), Optional.empty(), OURS);
    }

    // --- back

    private void restore(Deploy deploy, Slot slot, Machine found) throws InterruptedException {
        Machine m = awaitSettled(found, SETTLE);
        if (metadata(m.config(), DEPLOY).equals(deploy.id())) {
            // Restore with the operator's rights: the machine may have had more than a token may ask for.
            m = update(m, before(deploy, slot, version(m, slot.before()), m), slot.ran(), US);
        }
        if (slot.ran() && m.state() != MachineState.STARTED) {
            start(m);
        } else if (!slot.ran() && m.state() == MachineState.STARTED) {
            stop(m);
        }
        if (m.cordoned() != slot.cordoned()) {
            machines.cordon(m, slot.cordoned(), US);
        }
        if (slot.ran()) {
            serves(deploy, m);
        }
    }

    private MachineConfig version(Machine m, String version) {
        return machines.versions(m.id()).stream()
                .filter(v -> v.version().equals(version))
                .findFirst()
                .map(Machines.Version::config)
                .orElseThrow(() -> new MachineUnhealthy("has no version " + version + " on record any more"));
    }

    /** Waits until a restored machine serves, before the next one is taken; an unhealthy old version is accepted. */
    private void serves(Deploy deploy, Machine m) throws InterruptedException {
        try {
            readiness.of(m.id(), true, deploy.plan().waitTimeout(), now -> {});
        } catch (MachineUnhealthy e) {
            System.getLogger("allod.deploy")
                    .log(
                            System.Logger.Level.WARNING,
                            "machine " + m.id() + " is at its earlier version again and " + e.getMessage());
        }
    }

    // --- reading

    private Machine awaitSettled(Machine m, Duration bound) throws InterruptedException {
        Machine now = machines.await(m, Set.of(), Optional.empty(), bound);
        if (now.state() == MachineState.DESTROYED) {
            throw new MachineGone(m.name());
        }
        return now;
    }

    static String metadata(MachineConfig config, String key) {
        return config.json().path("metadata").path(key).stringValue("");
    }
}
