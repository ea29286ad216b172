package org.allod.host;

import org.allod.fsm.DurationHistogram;
import org.allod.fsm.Engine;
import org.allod.fsm.TypeMetrics;
import org.allod.observe.MetricsBuilder;
import org.allod.observe.MetricsSource;

/** Counts and durations for every run type, and the lengths of the queues. */
final class RunMetrics implements MetricsSource {
    private final Engine engine;

    RunMetrics(Engine engine) {
        this.engine = engine;
    }

    @Override
    public void collect(MetricsBuilder into) {
        engine.metrics().forEach(type -> type(into, type));
        engine.queues().forEach(queue -> {
            into.gauge(
                    "allod_queue_executing", "Runs of a queue that execute.", queue.executing(), "queue", queue.name());
            into.gauge("allod_queue_waiting", "Runs of a queue that wait.", queue.waiting(), "queue", queue.name());
            into.gauge("allod_queue_capacity", "Runs of a queue that may execute.", queue.cap(), "queue", queue.name());
        });
    }

    private static void type(MetricsBuilder into, TypeMetrics type) {
        String name = type.type();
        into.gauge("allod_runs_active", "Runs that have not ended.", type.active(), "type", name);
        into.counter("allod_runs_started", "Runs started.", type.started(), "type", name);
        into.counter("allod_run_step_failures", "Attempts of steps that failed.", type.failures(), "type", name);
        type.ended()
                .forEach((outcome, count) -> into.counter(
                        "allod_runs_ended", "Runs ended, by outcome.", count, "type", name, "outcome", outcome));
        if (type.duration().count() > 0) {
            duration(
                    into,
                    "allod_run_duration_seconds",
                    "From a run's start to its end.",
                    type.duration(),
                    "type",
                    name);
        }
        // A type that never ran gets no step series, of which there are fifteen for each step.
        type.steps().forEach((step, took) -> {
            if (took.count() > 0) {
                duration(
                        into,
                        "allod_run_step_duration_seconds",
                        "Attempts of steps that returned.",
                        took,
                        "type",
                        name,
                        "step",
                        step);
            }
        });
    }

    private static void duration(
            MetricsBuilder into, String name, String help, DurationHistogram.Snapshot took, String... labels) {
        into.histogram(name, help, took.bounds(), took.counts(), took.sum(), labels);
    }
}
