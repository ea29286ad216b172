package org.allod.bench;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.allod.base.FailedException;

/** What the benchmarks of a daemon and its guests share. */
abstract class GuestBench implements Benchmark {
    private final Map<String, String> defaults;

    GuestBench(Map<String, String> defaults) {
        this.defaults = defaults;
    }

    abstract void measure(Arguments args) throws IOException;

    @Override
    public final int run(List<String> args) {
        try {
            measure(new Arguments(args, defaults));
            return 0;
        } catch (IllegalArgumentException e) {
            System.err.println(name() + ": " + e.getMessage());
            return 2;
        } catch (IOException | FailedException e) {
            System.err.println(name() + ": " + e.getMessage());
            return 1;
        }
    }
}
