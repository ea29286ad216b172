package org.allod.observe;

/** Somebody with numbers to tell. Asked anew for each page; should be quick and must not throw for one bad number. */
public interface MetricsSource {
    void collect(MetricsBuilder into);
}
