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
 * Looks for idle machines now and then, and has them put to sleep as {@link AutostopPolicy} says. A machine is emptied
 * first, and where a request slips in meanwhile, it stays up.
 */
final class Idler implements AutoCloseable {
    private final Edge edge;
    private final Machines machines;
    private final EdgeConfig.Times times;
    private final Clock clock;
    private final SupervisedTimer timer;
    private final Metrics metrics;

    Idler(Edge edge, Machines machines, EdgeConfig.Times times, Clock clock, Timers timers, Metrics metrics) {
        this.edge = edge;
        this.machines = machines;
        this.times = times;
        this.clock = clock;
        this.timer = new SupervisedTimer("autostop", timers, times.autostopEvery(), this::pass);
        this.metrics = metrics;
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
        Map<String, List<Route>> apps = new HashMap<>();
        edge.routes()
                .byApp()
                .forEach((name, route) -> apps.computeIfAbsent(route.app().name(), app -> new ArrayList<>())
                        .add(route));
        for (List<Route> app : apps.values()) {
            AutostopPolicy.decide(candidates(app, now), times.idleGrace()).ifPresent(this::stop);
        }
    }

    /** The app's running machines, each with all its services together: it is idle when none of them is used. */
    private static List<AutostopPolicy.Candidate> candidates(List<Route> app, long now) {
        Map<MachineId, Map<Live, Backend>> machines = new LinkedHashMap<>();
        for (Route route : app) {
            for (int i = 0; i < route.size(); i++) {
                if (route.backend(i).state() != Backend.State.RUNNING) {
                    continue; // as most are where there are many: this pass comes round every few seconds
                }
                machines.computeIfAbsent(route.lives().get(i).id, id -> new LinkedHashMap<>())
                        .putIfAbsent(route.lives().get(i), route.backend(i));
            }
        }
        List<AutostopPolicy.Candidate> running = new ArrayList<>();
        machines.forEach((id, services) -> {
            Backend any = services.values().iterator().next();
            boolean moving = services.keySet().stream().anyMatch(live -> live.draining() || live.waking());
            if (any.state() == Backend.State.RUNNING && !any.cordoned() && !moving) {
                running.add(candidate(id, services, now));
            }
        });
        return running;
    }

    private static AutostopPolicy.Candidate candidate(MachineId id, Map<Live, Backend> services, long now) {
        int load = 0;
        long idle = Long.MAX_VALUE;
        Service all = null;
        for (Map.Entry<Live, Backend> entry : services.entrySet()) {
            Live live = entry.getKey();
            load += live.load();
            idle = Math.min(idle, now - live.idleSince());
            Service service = entry.getValue().service();
            all = all == null ? service : all.beside(service, live.load());
        }
        return new AutostopPolicy.Candidate(id, java.util.Objects.requireNonNull(all), load, Duration.ofNanos(idle));
    }

    private void stop(AutostopPolicy.Stop stop) {
        List<Live> lives = edge.lives(stop.id());
        lives.forEach(live -> live.drain(true));
        if (lives.stream().anyMatch(live -> live.load() > 0)) {
            lives.forEach(live -> live.drain(false));
            edge.nudgeAll();
            return;
        }
        metrics.stops.increment();
        var _ = CompletableFuture.allOf(lives.stream().map(edge::free).toArray(CompletableFuture[]::new))
                .thenRunAsync(
                        () -> ask(lives, stop), task -> SupervisedThread.start("autostop", "stop " + stop.id(), task));
    }

    private void ask(List<Live> lives, AutostopPolicy.Stop stop) {
        CompletionStage<Void> stopping;
        try {
            stopping = machines.stopIdle(stop.id(), stop.how());
        } catch (RuntimeException e) {
            stopping = CompletableFuture.failedFuture(e);
        }
        stopping.whenComplete((done, failure) -> {
            if (failure == null) {
                lives.forEach(Live::stopped);
            } else {
                Edge.LOG.log(
                        System.Logger.Level.WARNING,
                        "idle machine " + stop.id() + " was not stopped, and stays in use: " + failure.getMessage());
                lives.forEach(live -> live.drain(false));
            }
            edge.nudgeAll();
        });
    }
}
