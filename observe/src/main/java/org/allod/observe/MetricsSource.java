package org.allod.observe;

/** A source of metrics, asked for each page. It must not block, and must not throw because of one bad number. */
public interface MetricsSource {
    void collect(MetricsBuilder into);
}
