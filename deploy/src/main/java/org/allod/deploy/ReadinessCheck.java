package org.allod.deploy;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.machine.CheckStatus;
import org.allod.machine.GoDuration;
import org.allod.machine.Machine;
import org.allod.machine.MachineEvent;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.Sleeper;
import tools.jackson.databind.JsonNode;

/**
 * Waits until a machine is ready: it runs and every check passes. A machine with services and no check must accept a
 * connection; a machine without services must stay up for a moment.
 */
final class ReadinessCheck {
    private static final Duration LOOK = Duration.ofMillis(100);
    private static final Duration KNOCK = Duration.ofSeconds(1);

    /** How long a machine without services must stay up; a program that crashes at its start has done so by then. */
    private static final Duration STEADY = Duration.ofSeconds(3);

    /** A machine that has restarted this often counts as unhealthy. */
    private static final int RESTARTS = 3;

    private final Machines machines;
    private final Sleeper sleeper;
    private final Clock clock;

    ReadinessCheck(Machines machines, Sleeper sleeper, Clock clock) {
        this.machines = machines;
        this.sleeper = sleeper;
        this.clock = clock;
    }

    /**
     * Returns once the machine is ready.
     *
     * @param checks whether it must pass its checks; otherwise it only has to run
     * @param still throws if the machine is no longer the version to wait for
     * @throws DeployOperations.MachineUnhealthy if it is not ready within {@code bound}, or ends
     */
    void of(MachineId id, boolean checks, Duration bound, Consumer<Machine> still) throws InterruptedException {
        long until = clock.monoNanos() + bound.toNanos();
        long steady = clock.monoNanos() + STEADY.toNanos();
        while (true) {
            Machine m = machines.find(id).orElseThrow(() -> new DeployOperations.MachineGone(id.text()));
            still.accept(m);
            ended(m);
            boolean runs = m.state() == MachineState.STARTED;
            if (runs && (!checks || proven(m, clock.monoNanos() >= steady))) {
                return;
            }
            if (clock.monoNanos() >= until) {
                throw new DeployOperations.MachineUnhealthy(complaint(m, bound));
            }
            sleeper.sleep(LOOK);
        }
    }

    private void ended(Machine m) {
        switch (m.state()) {
            case FAILED, STOPPED, CREATED ->
                throw new DeployOperations.MachineUnhealthy(
                        "is %s: %s".formatted(m.state().wire(), lastWords(m.id())));
            case DESTROYED, DESTROYING -> throw new DeployOperations.MachineGone(m.name());
            case STARTED, STARTING, STOPPING, SUSPENDED, SUSPENDING, RESTARTING, UPDATING, CREATING -> {
                if (m.restarts() >= RESTARTS) {
                    throw new DeployOperations.MachineUnhealthy("ends again and again: " + lastWords(m.id()));
                }
            }
        }
    }

    private boolean proven(Machine m, boolean steady) {
        List<CheckStatus> all = machines.checks(m.id());
        if (!all.isEmpty()) {
            return all.stream().allMatch(CheckStatus::passing);
        }
        return m.config().services().isEmpty()
                ? steady
                : m.config().services().stream().allMatch(s -> answers(m, s.internalPort()));
    }

    private static boolean answers(Machine m, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(m.address(), port), (int) KNOCK.toMillis());
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private String complaint(Machine m, Duration bound) {
        String failing = machines.checks(m.id()).stream()
                .filter(c -> !c.passing())
                .map(c -> c.name() + " is " + c.status() + ": " + brief(c.output()))
                .collect(Collectors.joining("; "));
        if (failing.isEmpty()) {
            failing = m.state() == MachineState.STARTED
                    ? "nothing answers on port "
                            + m.config().services().stream()
                                    .map(s -> String.valueOf(s.internalPort()))
                                    .collect(Collectors.joining(", "))
                    : "it is " + m.state().wire();
        }
        return "did not pass its checks within %s (%s)".formatted(GoDuration.text(bound), failing);
    }

    /** A check's output shortened to one line of an error. */
    private static String brief(String output) {
        String line = output.strip().replaceAll("\\s+", " ");
        return line.length() <= 120 ? line : line.substring(0, 117) + "...";
    }

    /** The reason that the machine's last events give for its state. */
    String lastWords(MachineId id) {
        for (MachineEvent event : machines.events(id, 10)) {
            JsonNode reason = event.request().path("reason");
            if (reason.isString() && !reason.stringValue().isEmpty()) {
                return reason.stringValue();
            }
            JsonNode exit = event.request().path("exit_event");
            if (!exit.isMissingNode()) {
                return "its program ended with code " + exit.path("exit_code").asString("?")
                        + (exit.path("oom_killed").booleanValue(false) ? ", out of memory" : "");
            }
        }
        return "its events say no more";
    }
}
