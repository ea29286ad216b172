package org.allod.edge;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.allod.base.Clock;
import org.allod.base.MachineId;
import org.allod.base.SupervisedThread;
import org.allod.base.SupervisedTimer;
import org.allod.base.Timers;

/**
 * Looks for idle machines periodically and puts to sleep those that {@link AutostopPolicy} chooses. A machine is
 * drained first; if a request arrives meanwhile, the machine stays up.
 */
final class AutostopLoop implements AutoCloseable {
    private final Edge edge;
    private final MachineController machines;
    private final EdgeConfig.Times times;
    private final Clock clock;
    private final SupervisedTimer timer;
    private final EdgeCounters counters;

    AutostopLoop(
            Edge edge,
            MachineController machines,
            EdgeConfig.Times times,
            Clock clock,
            Timers timers,
            EdgeCounters counters) {
        this.edge = edge;
        this.machines = machines;
        this.times = times;
        this.clock = clock;
        this.timer = new SupervisedTimer("autostop", timers, times.autostopEvery(), this::pass);
        this.counters = counters;
    }

    void start() {
        SupervisedTimer _ = timer.start();
    }

    @Override
    public void close() {
        timer.close();
    }

    private void pass() {
        long now = clock.monoNanos();
        Map<String, List<AppRoute>> apps = new HashMap<>();
        edge.routes()
                .byApp()
                .forEach((name, route) -> apps.computeIfAbsent(route.app().name(), app -> new ArrayList<>())
                        .add(route));
        for (List<AppRoute> app : apps.values()) {
            AutostopPolicy.decide(candidates(app, now), times.idleGrace()).ifPresent(this::stop);
        }
    }

    /**
     * The app's running machines, each merged over all its services: a machine is idle only when none of them is used.
     */
    private static List<AutostopPolicy.Candidate> candidates(List<AppRoute> app, long now) {
        Map<MachineId, Map<BackendState, Backend>> machines = new LinkedHashMap<>();
        for (AppRoute route : app) {
            for (int i = 0; i < route.size(); i++) {
                if (route.backend(i).state() != Backend.State.RUNNING) {
                    continue; // most machines are stopped on a large host, and this pass runs every few seconds
                }
                machines.computeIfAbsent(route.lives().get(i).id, id -> new LinkedHashMap<>())
                        .putIfAbsent(route.lives().get(i), route.backend(i));
            }
        }
        List<AutostopPolicy.Candidate> running = new ArrayList<>();
        machines.forEach((id, services) -> {
            Backend any = services.values().iterator().next();
            boolean moving = services.keySet().stream()
                    .anyMatch(backendState -> backendState.draining() || backendState.waking());
            if (any.state() == Backend.State.RUNNING && !any.cordoned() && !moving) {
                running.add(candidate(id, services, now));
            }
        });
        return running;
    }

    private static AutostopPolicy.Candidate candidate(MachineId id, Map<BackendState, Backend> services, long now) {
        int load = 0;
        long idle = Long.MAX_VALUE;
        Service all = null;
        for (Map.Entry<BackendState, Backend> entry : services.entrySet()) {
            BackendState backendState = entry.getKey();
            load += backendState.load();
            idle = Math.min(idle, now - backendState.idleSince());
            Service service = entry.getValue().service();
            all = all == null ? service : all.beside(service, backendState.load());
        }
        return new AutostopPolicy.Candidate(id, java.util.Objects.requireNonNull(all), load, Duration.ofNanos(idle));
    }

    private void stop(AutostopPolicy.Stop stop) {
        List<BackendState> lives = edge.lives(stop.id());
        lives.forEach(backendState -> backendState.drain(true));
        if (lives.stream().anyMatch(backendState -> backendState.load() > 0)) {
            lives.forEach(backendState -> backendState.drain(false));
            edge.nudgeAll();
            return;
        }
        counters.stops.increment();
        var _ = CompletableFuture.allOf(lives.stream().map(edge::free).toArray(CompletableFuture[]::new))
                .thenRunAsync(
                        () -> ask(lives, stop), task -> SupervisedThread.start("autostop", "stop " + stop.id(), task));
    }

    private void ask(List<BackendState> lives, AutostopPolicy.Stop stop) {
        CompletionStage<Void> stopping;
        try {
            stopping = machines.stopIdle(stop.id(), stop.how());
        } catch (RuntimeException e) {
            stopping = CompletableFuture.failedFuture(e);
        }
        stopping.whenComplete((done, failure) -> {
            if (failure == null) {
                lives.forEach(BackendState::markStopped);
            } else {
                Edge.LOG.log(
                        System.Logger.Level.WARNING,
                        "idle machine " + stop.id() + " was not stopped, and stays in use: " + failure.getMessage());
                lives.forEach(backendState -> backendState.drain(false));
            }
            edge.nudgeAll();
        });
    }
}
