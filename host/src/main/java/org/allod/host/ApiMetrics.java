package org.allod.host;

import java.util.function.Supplier;
import org.allod.api.ApiStats;
import org.allod.observe.MetricsBuilder;
import org.allod.observe.MetricsSource;

/** Metrics of the API server, for each listener. */
final class ApiMetrics implements MetricsSource {
    private final Supplier<ApiStats> stats;

    ApiMetrics(Supplier<ApiStats> stats) {
        this.stats = stats;
    }

    @Override
    public void collect(MetricsBuilder into) {
        ApiStats now = stats.get();
        pool(into, "tcp", now.tcp());
        pool(into, "socket", now.local());
    }

    private static void pool(MetricsBuilder into, String name, ApiStats.Pool pool) {
        into.gauge("allod_api_open_connections", "Clients of the API now.", pool.open(), "listener", name);
        String refused = "allod_api_refused_connections";
        String help = "Clients closed because there were too many, overall or of one address.";
        into.counter(refused, help, pool.refused(), "listener", name, "over", "all");
        into.counter(refused, help, pool.refusedByAddress(), "listener", name, "over", "address");
        into.counter(
                "allod_api_unproven",
                "Requests refused on their head, since their sender proved nothing.",
                pool.unproven(),
                "listener",
                name);
        into.counter(
                "allod_api_expired_connections",
                "Clients closed because a head, a body, a next request or a reader did not come in time.",
                pool.expired(),
                "listener",
                name);
        into.counter(
                "allod_api_over_budget",
                "Requests, bodies and answers beyond what their caller may have at once.",
                pool.overRequests() + pool.overBodies() + pool.overAnswers(),
                "listener",
                name);
        into.gauge(
                "allod_api_held_bytes",
                "Memory of bodies, and of answers that are not read yet.",
                pool.bodyBytes() + pool.answerBytes(),
                "listener",
                name);
    }
}
