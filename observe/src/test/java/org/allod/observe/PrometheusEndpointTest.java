package org.allod.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class PrometheusEndpointTest {
    @Test
    void sources_sharingAFamily_makeOne() {
        String page = new PrometheusEndpoint(List.of(
                        s -> s.gauge("allod_machines", "Machines by state.", 2, "state", "started"),
                        s -> s.gauge("allod_machines", "Machines by state.", 5, "state", "stopped")))
                .text();
        assertThat(page.lines())
                .containsExactly(
                        "# HELP allod_machines Machines by state.",
                        "# TYPE allod_machines gauge",
                        "allod_machines{state=\"started\"} 2.0",
                        "allod_machines{state=\"stopped\"} 5.0");
    }

    @Test
    void counter_endsInTotal() {
        assertThat(new PrometheusEndpoint(List.of(s -> s.counter("allod_edge_requests", "Requests.", 7))).text())
                .contains("# TYPE allod_edge_requests_total counter", "allod_edge_requests_total 7.0");
    }

    @Test
    void histogram_isCumulativeInSeconds() {
        String page = new PrometheusEndpoint(List.of(s -> s.histogram(
                        "allod_run_duration_seconds",
                        "How long runs took.",
                        List.of(Duration.ofMillis(5), Duration.ofSeconds(1)),
                        List.of(3L, 2L, 1L),
                        Duration.ofMillis(1500),
                        "type",
                        "start")))
                .text();
        assertThat(page)
                .contains(
                        "allod_run_duration_seconds_bucket{type=\"start\",le=\"0.005\"} 3",
                        "allod_run_duration_seconds_bucket{type=\"start\",le=\"1.0\"} 5",
                        "allod_run_duration_seconds_bucket{type=\"start\",le=\"+Inf\"} 6",
                        "allod_run_duration_seconds_count{type=\"start\"} 6",
                        "allod_run_duration_seconds_sum{type=\"start\"} 1.5");
    }

    @Test
    void labelOfAGuest_cannotBreakThePage() {
        String page =
                new PrometheusEndpoint(List.of(s -> s.gauge("allod_x", "X.", 1, "name", "a\"} 1\nallod_y 2\\"))).text();
        assertThat(page.lines()).hasSize(3).last().asString().startsWith("allod_x{name=\"a\\\"} 1\\nallod_y 2");
    }
}
