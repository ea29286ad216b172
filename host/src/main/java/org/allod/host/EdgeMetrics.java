package org.allod.host;

import java.time.Duration;
import org.allod.edge.Edge;
import org.allod.edge.EdgeStats;
import org.allod.observe.MetricsBuilder;
import org.allod.observe.MetricsSource;

/** Metrics of the edge. */
final class EdgeMetrics implements MetricsSource {
    private final Edge edge;

    EdgeMetrics(Edge edge) {
        this.edge = edge;
    }

    @Override
    public void collect(MetricsBuilder into) {
        EdgeStats stats = edge.stats();
        into.counter("allod_edge_connections", "Clients taken.", stats.connections());
        String refused = "allod_edge_refused_connections";
        String help = "Clients turned away because there were too many, overall or of one address.";
        into.counter(refused, help, stats.refusedConnections(), "over", "all");
        into.counter(refused, help, stats.refusedByAddress(), "over", "address");
        into.counter("allod_edge_requests", "Whole request heads read.", stats.requests());
        for (int status = 1; status < stats.answers().size(); status++) {
            into.counter(
                    "allod_edge_answers",
                    "Answers by class of status.",
                    stats.answers().get(status),
                    "status",
                    status + "xx");
        }
        stats.problems()
                .forEach((code, count) ->
                        into.counter("allod_edge_problems", "The edge's own answers, by code.", count, "code", code));
        into.counter("allod_edge_held", "Requests that had to wait for a machine.", stats.held());
        into.counter("allod_edge_wakes", "Machines brought up for a request.", stats.wakes());
        into.counter("allod_edge_wake_failures", "Machines that did not come up or listen.", stats.wakeFailures());
        into.counter("allod_edge_retries", "Requests sent on to another machine.", stats.retries());
        into.counter("allod_edge_dials", "Connections opened to machines.", stats.dials());
        into.counter("allod_edge_stops", "Idle machines put to sleep.", stats.stops());
        into.counter("allod_edge_received_bytes", "Bytes from clients.", stats.bytesIn());
        into.counter("allod_edge_sent_bytes", "Bytes to clients.", stats.bytesOut());
        into.gauge("allod_edge_open_connections", "Clients now.", stats.openConnections());
        into.gauge("allod_edge_held_now", "Requests waiting for a machine now.", stats.heldNow());
        into.gauge("allod_edge_in_flight", "Requests that machines have now.", stats.inFlight());
        EdgeStats.Latency wake = stats.wakeLatency();
        into.histogram(
                "allod_edge_wake_duration_seconds",
                "From asking for a machine to its port taking a connection.",
                wake.upToMillis().stream().map(Duration::ofMillis).toList(),
                wake.counts(),
                Duration.ofNanos(wake.sumNanos()));
    }
}
