package org.allod.observe;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * Collects the samples of one page by metric family; several sources may add to one family. Names follow Prometheus's
 * rules: base units, {@code _total} for counters (added here), and the prefix {@code allod_}.
 *
 * <p>Not thread-safe: each page has a builder of its own.
 */
public final class MetricsBuilder {
    private final Map<String, Family<?>> families = new LinkedHashMap<>();

    /** One name with its help and the points under it. */
    private record Family<P extends DataPointSnapshot>(
            MetricMetadata what, List<P> points, BiFunction<MetricMetadata, Collection<P>, MetricSnapshot> kind) {
        MetricSnapshot snapshot() {
            return kind.apply(what, points);
        }
    }

    @SuppressWarnings("unchecked") // a name belongs to one kind: the prefix of the key holds them apart
    private <P extends DataPointSnapshot> List<P> family(
            String name, String help, BiFunction<MetricMetadata, Collection<P>, MetricSnapshot> kind, String tag) {
        return (List<P>) families.computeIfAbsent(
                        tag + name, n -> new Family<>(new MetricMetadata(name, help), new ArrayList<P>(), kind))
                .points;
    }

    /**
     * A level: something that goes up and down.
     *
     * @param labels names and values by turns
     */
    public void gauge(String name, String help, Number value, String... labels) {
        family(name, help, GaugeSnapshot::new, "g:")
                .add(new GaugeSnapshot.GaugeDataPointSnapshot(value.doubleValue(), Labels.of(labels), null));
    }

    /** A count that only grows while the process lives. {@code name} comes without {@code _total}. */
    public void counter(String name, String help, Number value, String... labels) {
        family(name, help, CounterSnapshot::new, "c:")
                .add(new CounterSnapshot.CounterDataPointSnapshot(value.doubleValue(), Labels.of(labels), null, 0));
    }

    /**
     * How long things took.
     *
     * @param bounds upper bounds of the first buckets, rising
     * @param counts of each bucket, not cumulative; one more than there are bounds
     */
    public void histogram(
            String name, String help, List<Duration> bounds, List<Long> counts, Duration sum, String... labels) {
        double[] upper = new double[bounds.size() + 1];
        long[] each = new long[upper.length];
        for (int i = 0; i < upper.length; i++) {
            upper[i] = i < bounds.size() ? seconds(bounds.get(i)) : Double.POSITIVE_INFINITY;
            each[i] = counts.get(i);
        }
        family(
                        name,
                        help,
                        (MetricMetadata what, Collection<HistogramSnapshot.HistogramDataPointSnapshot> all) ->
                                new HistogramSnapshot(what, all),
                        "h:")
                .add(new HistogramSnapshot.HistogramDataPointSnapshot(
                        ClassicHistogramBuckets.of(upper, each), seconds(sum), Labels.of(labels), null, 0));
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    MetricSnapshots snapshots() {
        return new MetricSnapshots(
                families.values().stream().map(Family::snapshot).toList());
    }
}
