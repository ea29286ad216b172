package org.allod.observe;

import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The page at {@code /metrics}, in Prometheus's text format 0.0.4, which every scraper reads. */
public final class PrometheusEndpoint {
    public static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private final PrometheusTextFormatWriter writer =
            PrometheusTextFormatWriter.builder().build();
    private final List<MetricsSource> sources;

    public PrometheusEndpoint(List<MetricsSource> sources) {
        this.sources = List.copyOf(sources);
    }

    /** Asks every source now. */
    public String text() {
        MetricsBuilder metrics = new MetricsBuilder();
        sources.forEach(source -> source.collect(metrics));
        ByteArrayOutputStream out = new ByteArrayOutputStream(16 << 10);
        try {
            writer.write(out, metrics.snapshots(), EscapingScheme.UNDERSCORE_ESCAPING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
