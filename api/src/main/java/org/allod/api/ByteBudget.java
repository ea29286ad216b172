package org.allod.api;

import java.util.HashMap;
import java.util.Map;

/**
 * Memory that callers share: a bound overall and one for each caller. Nobody may hold more than is still free, so that
 * however many callers take what they can get, the next one still finds some (the dynamic threshold of Choudhury and
 * Hahne, as switches share their packet buffers). Safe for use from any thread.
 */
final class ByteBudget {
    private final long most;
    private final long mostPerCaller;
    private final Map<String, Long> byCaller = new HashMap<>();
    private long taken;
    private long refused;

    ByteBudget(long most, long mostPerCaller) {
        this.most = most;
        this.mostPerCaller = mostPerCaller;
    }

    /** Takes {@code bytes} for the caller, or nothing where that is too much. */
    synchronized boolean take(Caller caller, long bytes) {
        long has = byCaller.getOrDefault(caller.account(), 0L);
        if (has + bytes > Math.min(mostPerCaller, most - taken)) {
            refused++;
            return false;
        }
        if (bytes > 0) {
            byCaller.put(caller.account(), has + bytes);
            taken += bytes;
        }
        return true;
    }

    /** Gives back what was taken. */
    synchronized void give(Caller caller, long bytes) {
        if (bytes > 0) {
            taken -= bytes;
            byCaller.merge(caller.account(), -bytes, (a, b) -> a + b == 0 ? null : a + b);
        }
    }

    synchronized long taken() {
        return taken;
    }

    synchronized long refused() {
        return refused;
    }
}
