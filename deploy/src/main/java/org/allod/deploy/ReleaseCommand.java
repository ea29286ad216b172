package org.allod.deploy;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.allod.base.RejectedException;
import org.allod.machine.Actor;
import org.allod.machine.ConfigReader;
import org.allod.machine.GoDuration;
import org.allod.machine.Machine;
import org.allod.machine.MachineConfig;
import org.allod.machine.MachineCreator;
import org.allod.machine.MachineEvent;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Runs a deploy's release command, such as a database migration, once before the new version runs: in a machine of its
 * own, with the image, environment, files and size of the deploy's first group, without its services, checks and
 * volumes.
 */
final class ReleaseCommand {
    /**
     * The metadata key that marks the machine, with the deploy's id; it has no process group, so no deploy counts it.
     */
    static final String RELEASE = "allod_release";

    private static final Duration GONE = Duration.ofMinutes(2);
    private static final Actor.Client US = new Actor.Client("deploy", Optional.empty());

    private final Machines machines;
    private final ReadinessCheck readiness;

    ReleaseCommand(Machines machines, ReadinessCheck readiness) {
        this.machines = machines;
        this.readiness = readiness;
    }

    /** Runs the command, or waits for the machine that an earlier attempt made. */
    void run(Deploy deploy) throws InterruptedException {
        Plan.Release release = deploy.plan().release().orElseThrow();
        destroyMachines(deploy.app(), m -> !of(m).equals(deploy.id()));
        Machine m = machines.list(deploy.app(), false).stream()
                .filter(found -> of(found).equals(deploy.id()))
                .findFirst()
                .orElse(null);
        if (m == null) {
            m = machines.create(
                    deploy.app(),
                    new MachineCreator.Request(
                            Optional.of(Plan.machineName("release", deploy.id(), 0)),
                            Optional.empty(),
                            Optional.empty(),
                            false, // started in a step of its own
                            true,
                            Optional.empty(),
                            config(deploy, release),
                            deploy.plan().tenant()));
        }
        Machine settled = machines.await(m, Set.of(), Optional.empty(), GONE);
        if (settled.state() == MachineState.CREATED) {
            machines.start(settled, US);
        }
        ended(settled, release);
    }

    private void ended(Machine m, Plan.Release release) throws InterruptedException {
        String what = "the release command `" + String.join(" ", release.command()) + "` ";
        String log = " (`allod machine logs " + m.name() + "` has what it wrote, until the next deploy)";
        Machine end;
        try {
            end = machines.await(
                    m,
                    Set.of(MachineState.STOPPED, MachineState.FAILED, MachineState.DESTROYED),
                    Optional.empty(),
                    release.timeout());
        } catch (RejectedException e) {
            throw new DeployOperations.MachineUnhealthy(
                    what + "did not end within " + GoDuration.text(release.timeout()));
        }
        if (end.state() != MachineState.STOPPED) {
            throw new DeployOperations.MachineUnhealthy(what + "could not be run: " + readiness.lastWords(m.id()));
        }
        for (MachineEvent event : machines.events(m.id(), 10)) {
            JsonNode exit = event.request().path("exit_event");
            if (!exit.isMissingNode()) {
                if (exit.path("exit_code").asInt(-1) != 0) {
                    throw new DeployOperations.MachineUnhealthy(what + "failed: " + readiness.lastWords(m.id()) + log);
                }
                return;
            }
        }
        throw new DeployOperations.MachineUnhealthy(what + "was stopped by somebody" + log);
    }

    /** Destroys those of the app's release machines that match {@code which}. */
    void destroyMachines(String app, Predicate<Machine> which) throws InterruptedException {
        for (Machine m : machines.list(app, false)) {
            if (!of(m).isEmpty() && which.test(m)) {
                machines.destroy(m, true, US);
                machines.await(m, Set.of(MachineState.DESTROYED), Optional.empty(), GONE);
            }
        }
    }

    private static String of(Machine m) {
        return MachineDeployOperations.metadata(m.config(), RELEASE);
    }

    private static MachineConfig config(Deploy deploy, Plan.Release release) {
        ObjectNode config = deploy.plan().groups().getFirst().config().deepCopy();
        for (String notIt :
                new String[] {"services", "checks", "mounts", "statics", "processes", "schedule", "metrics"}) {
            config.remove(notIt);
        }
        ObjectNode init = config.get("init") instanceof ObjectNode given ? given : config.putObject("init");
        init.remove("exec");
        init.remove("cmd");
        release.command().forEach(init.putArray("cmd")::add);
        config.putObject("restart").put("policy", "no");
        config.putObject("metadata").put(RELEASE, deploy.id());
        return ConfigReader.read(StrictJsonReader.of(config, "config"));
    }
}
