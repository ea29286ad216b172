package org.allod.edge;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.allod.base.Clock;
import org.allod.base.MachineId;
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
    private final Timers timers;
    private final Metrics metrics;
    private volatile boolean closed;

    Idler(Edge edge, Machines machines, EdgeConfig.Times times, Clock clock, Timers timers, Metrics metrics) {
        this.edge = edge;
        this.machines = machines;
        this.times = times;
        this.clock = clock;
        this.timers = timers;
        this.metrics = metrics;
    }

    void start() {
        var _ = timers.after(times.autostopEvery(), this::pass);
    }

    @Override
    public void close() {
        closed = true;
    }

    private void pass() {
        if (closed) {
            return;
        }
        try {
            long now = clock.monoNanos();
            for (Route route : edge.routes().byApp().values()) {
                AutostopPolicy.decide(candidates(route, now), times.idleGrace()).ifPresent(stop -> stop(route, stop));
            }
        } finally {
            start();
        }
    }

    private static List<AutostopPolicy.Candidate> candidates(Route route, long now) {
        List<AutostopPolicy.Candidate> running = new ArrayList<>();
        for (int i = 0; i < route.size(); i++) {
            Backend backend = route.backend(i);
            Live live = route.lives().get(i);
            if (backend.state() == Backend.State.RUNNING && !backend.cordoned() && !live.draining() && !live.waking()) {
                running.add(new AutostopPolicy.Candidate(
                        live.id, backend.service(), live.load(), Duration.ofNanos(now - live.idleSince())));
            }
        }
        return running;
    }

    private void stop(Route route, AutostopPolicy.Stop stop) {
        Live live = find(route, stop.id());
        live.drain(true);
        if (live.load() > 0) {
            live.drain(false);
            edge.nudgeAll();
            return;
        }
        metrics.stops.increment();
        var _ = edge.free(live)
                .thenRunAsync(
                        () -> ask(live, stop),
                        task -> Thread.ofVirtual().name("stop " + live.id).start(task));
    }

    private void ask(Live live, AutostopPolicy.Stop stop) {
        CompletionStage<Void> stopping;
        try {
            stopping = machines.stopIdle(live.id, stop.how());
        } catch (RuntimeException e) {
            stopping = CompletableFuture.failedFuture(e);
        }
        stopping.whenComplete((done, failure) -> {
            if (failure == null) {
                live.stopped();
            } else {
                Edge.LOG.log(
                        System.Logger.Level.WARNING,
                        "idle machine " + live.id + " was not stopped, and stays in use: " + failure.getMessage());
                live.drain(false);
            }
            edge.nudgeAll();
        });
    }

    private static Live find(Route route, MachineId id) {
        for (Live live : route.lives()) {
            if (live.id.equals(id)) {
                return live;
            }
        }
        throw new org.allod.base.Bug("the autostop policy chose machine " + id + ", which it was not shown");
    }
}
