package org.allod.bench;

import java.util.List;

/** One benchmark, as {@code ./allod bench} lists and runs it. */
public interface Benchmark {
    String name();

    /** One line: what it measures and against which floor. */
    String purpose();

    /**
     * Runs; returns the exit code: 0 done, 1 failed, 2 usage error. Whether a target was met is printed, not returned.
     */
    int run(List<String> args);
}
