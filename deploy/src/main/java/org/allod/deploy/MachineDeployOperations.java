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
 * The effects of a deploy on real machines, through the door everybody uses. A machine that an effect made or changed
 * carries the deploy's id in its metadata: that is how a second attempt knows what the first did.
 */
final class MachineDeployOperations implements DeployOperations {
    /** The process group of a machine, under the name that existing clients look for. */
    static final String GROUP = "fly_process_group";

    /** The deploy that gave a machine its configuration. */
    static final String DEPLOY = "allod_deploy";

    /** Somebody else's run on a machine is waited for this long before it counts as busy. */
    private static final Duration SETTLE = Duration.ofSeconds(30);

    /** A run we started ourselves is waited for this long: a stop may take its five minutes. */
    private static final Duration OURS = Duration.ofMinutes(10);

    /** A deploy is held to leases like any client: a machine that somebody has leased is theirs to change. */
    private static final Actor.Client US = new Actor.Client("deploy", Optional.empty());

    /** With the rights of whoever asked for the deploy. */
    private static Actor.Client asker(Deploy deploy) {
        return new Actor.Client(US.name(), US.nonce(), deploy.plan().tenant());
    }

    private final Machines machines;
    private final ImageStore images;
    private final ReadinessCheck proof;
    private final ReleaseCommand command;

    MachineDeployOperations(Machines machines, ImageStore images, Sleeper sleeper, Clock clock) {
        this.machines = machines;
        this.images = images;
        this.proof = new ReadinessCheck(machines, sleeper, clock);
        this.command = new ReleaseCommand(machines, proof);
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
        command.away(deploy.app(), m -> all || m.state() != MachineState.STOPPED);
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
                proof.of(m.id(), prove.checks(), deploy.plan().waitTimeout(), now -> checkOurs(deploy, now));
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

    /** A machine that somebody else gave another configuration is no longer at the version that is deployed. */
    private static void checkOurs(Deploy deploy, Machine m) {
        if (!metadata(m.config(), DEPLOY).equals(deploy.id())) {
            throw new MachineUnhealthy("was given another configuration by somebody else");
        }
    }

    /** By its id, or by the name we would have made it under. */
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

    /** The group's configuration, with what somebody noted on the machine before, and whose it is. */
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
     * The configuration before. Of the metadata, what the deploy noted goes, and what it wrote over is what that version
     * had; all else is as it is now: metadata changes without a version.
     */
    private static MachineConfig before(Deploy deploy, Slot slot, MachineConfig before, Machine now) {
        ObjectNode config = before.json().deepCopy();
        ObjectNode metadata = notes(now);
        Set<String> ours = new HashSet<>(Set.of(GROUP, DEPLOY));
        deploy.plan()
                .group(slot.group())
                .ifPresent(g -> ours.addAll(g.config().path("metadata").propertyNames()));
        for (String key : ours) {
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

    /** Gives it another configuration and waits for what comes of it. */
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
            throw new MachineUnhealthy("did not start: " + proof.lastWords(now.id()));
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
            // What it is at may finish; a destroy would cut it off.
            stop(m);
        }
        machines.destroy(m, true, US);
        machines.await(m, Set.of(MachineState.DESTROYED), Optional.empty(), OURS);
    }

    // --- back

    private void restore(Deploy deploy, Slot slot, Machine found) throws InterruptedException {
        Machine m = awaitSettled(found, SETTLE);
        if (metadata(m.config(), DEPLOY).equals(deploy.id())) {
            // What the machine had may be more than a token may ask for: going back needs no right to it.
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

    /** The next machine is not taken away before this one serves; but an old version that is unwell stays where it is. */
    private void serves(Deploy deploy, Machine m) throws InterruptedException {
        try {
            proof.of(m.id(), true, deploy.plan().waitTimeout(), now -> {});
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
