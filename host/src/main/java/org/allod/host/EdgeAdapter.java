package org.allod.host;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntPredicate;
import org.allod.base.Bug;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.edge.Autostop;
import org.allod.edge.Backend;
import org.allod.edge.Edge;
import org.allod.edge.Service;
import org.allod.machine.Actor;
import org.allod.machine.Machine;
import org.allod.machine.MachineConfig;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.machine.TrafficDrain;

/**
 * Connects the edge and the machines, which do not know each other: the edge wakes machines and puts idle ones to sleep
 * through it, and a machine that stops has its traffic drained through it. Safe for any thread; every operation blocks.
 */
final class EdgeAdapter implements org.allod.edge.MachineController, TrafficDrain {
    private static final Duration WAKE = Duration.ofSeconds(60);
    private static final Actor EDGE = new Actor.Host("edge");

    private final AtomicReference<Machines> machines = new AtomicReference<>();
    private final AtomicReference<Edge> edge = new AtomicReference<>();

    void attachMachines(Machines lifecycle) {
        machines.set(lifecycle);
    }

    void attachEdge(Edge running) {
        edge.set(running);
    }

    @Override
    public CompletionStage<Backend> wake(MachineId id) {
        return wake(id, 0);
    }

    @Override
    public CompletionStage<Backend> wake(MachineId id, int port) {
        try {
            return CompletableFuture.completedFuture(wakeBackend(id, port));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return CompletableFuture.failedFuture(e);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private Backend wakeBackend(MachineId id, int port) throws InterruptedException {
        Machines lifecycle = controller();
        Machine m = lifecycle.awaitSettled(require(lifecycle, id), WAKE);
        if (!runs(m)) {
            lifecycle.start(m, EDGE);
            m = lifecycle.awaitSettled(m, WAKE);
        }
        if (!runs(m)) {
            throw RejectedException.conflict(
                    "machine " + id + " could not be started; `allod machine show " + id + "` lists what happened");
        }
        List<Backend> services = backends(m, s -> lifecycle.healthy(id, s));
        if (services.isEmpty()) {
            throw RejectedException.conflict("machine " + id + " no longer has a service");
        }
        return services.stream()
                .filter(s -> s.address().getPort() == port)
                .findFirst()
                .orElse(services.getFirst())
                .withState(Backend.State.RUNNING);
    }

    @Override
    public void abandonWake(MachineId id) {
        var _ = controller().withdrawStart(id);
    }

    /** Whether its guest runs: {@link Machines#awaitSettled} has returned, so one in STARTING has its guest. */
    private static boolean runs(Machine m) {
        return m.state() == MachineState.STARTED || m.state() == MachineState.STARTING;
    }

    @Override
    public CompletionStage<Void> stopIdle(MachineId id, Autostop how) {
        Machines lifecycle = controller();
        try {
            Machine m = require(lifecycle, id);
            if (how == Autostop.SUSPEND) {
                lifecycle.suspend(m, EDGE);
            } else {
                lifecycle.stop(m, Optional.empty(), Optional.empty(), EDGE);
            }
            lifecycle.await(
                    m,
                    EnumSet.of(
                            MachineState.STOPPED, MachineState.SUSPENDED, MachineState.FAILED, MachineState.DESTROYED),
                    Optional.empty(),
                    WAKE);
            return CompletableFuture.completedFuture(null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return CompletableFuture.failedFuture(e);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private Machines controller() {
        Machines lifecycle = machines.get();
        if (lifecycle == null) {
            throw new Bug("the edge serves before the machines do");
        }
        return lifecycle;
    }

    private static Machine require(Machines lifecycle, MachineId id) {
        return lifecycle.find(id).orElseThrow(() -> RejectedException.notFound("machine " + id + " is gone"));
    }

    @Override
    public void drain(MachineId machine, Duration bound) {
        Edge running = edge.get();
        if (running == null) {
            return;
        }
        try {
            running.drain(machine, bound).toCompletableFuture().get(bound.toMillis() + 1_000, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            // The machine stops all the same: the requested operation takes precedence over requests in flight.
            System.getLogger("allod.host")
                    .log(System.Logger.Level.WARNING, "machine " + machine + " could not be drained in time", e);
        }
    }

    /**
     * Tries each port that is not open yet, because a port that another program holds cannot be promised to a machine.
     */
    @Override
    public void admit(MachineConfig config) {
        Edge running = edge.get();
        if (running == null) {
            return;
        }
        for (MachineConfig.Service service : config.services()) {
            for (MachineConfig.Port port : service.ports()) {
                for (int p = port.first(); p <= port.last(); p++) {
                    running.admit(p);
                }
            }
        }
    }

    /** The machine's services as the edge's backends, in the order of the configuration. */
    static List<Backend> backends(Machine m, IntPredicate healthy) {
        List<Backend> all = new ArrayList<>();
        for (int s = 0; s < m.config().services().size(); s++) {
            all.add(backend(m, m.config().services().get(s), healthy.test(s)));
        }
        return all;
    }

    private static Backend backend(Machine m, MachineConfig.Service s, boolean healthy) {
        Service service = new Service(
                s.concurrency().byConnections() ? Service.Concurrency.CONNECTIONS : Service.Concurrency.REQUESTS,
                s.concurrency().soft(),
                s.concurrency().hard(),
                s.autostart(),
                switch (s.autostop()) {
                    case OFF -> Autostop.OFF;
                    case STOP -> Autostop.STOP;
                    case SUSPEND -> Autostop.SUSPEND;
                },
                s.minMachinesRunning());
        return new Backend(
                m.id(),
                new InetSocketAddress(m.address(), s.internalPort()),
                state(m.state()),
                service,
                healthy,
                m.cordoned());
    }

    private static Backend.State state(MachineState state) {
        return switch (state) {
            case STARTED -> Backend.State.RUNNING;
            case CREATING, STARTING, RESTARTING -> Backend.State.STARTING;
            case STOPPING, SUSPENDING, UPDATING -> Backend.State.STOPPING;
            case CREATED, STOPPED -> Backend.State.STOPPED;
            case SUSPENDED -> Backend.State.SUSPENDED;
            case FAILED, DESTROYING, DESTROYED -> Backend.State.GONE;
        };
    }
}
