package org.allod.api;

import java.util.HashMap;
import java.util.Map;

/**
 * A budget that callers share, such as memory: a total and a limit for each caller. No caller may hold more than what
 * is still free, so that however many callers take all they can, the next one still finds some (the dynamic threshold
 * of Choudhury and Hahne, as switches use for shared packet buffers). Safe for any thread.
 */
final class CallerBudget {
    private final long most;
    private final long mostPerCaller;
    private final Map<String, Long> byCaller = new HashMap<>();
    private long taken;
    private long refused;

    CallerBudget(long most, long mostPerCaller) {
        this.most = most;
        this.mostPerCaller = mostPerCaller;
    }

    /** Takes {@code amount} for the caller; takes nothing and returns false if it exceeds a limit. */
    synchronized boolean take(Caller caller, long amount) {
        long has = byCaller.getOrDefault(caller.account(), 0L);
        if (has + amount > Math.min(mostPerCaller, most - taken)) {
            refused++;
            return false;
        }
        if (amount > 0) {
            byCaller.put(caller.account(), has + amount);
            taken += amount;
        }
        return true;
    }

    /** Returns what was taken. */
    synchronized void give(Caller caller, long amount) {
        if (amount > 0) {
            taken -= amount;
            byCaller.merge(caller.account(), -amount, (a, b) -> a + b == 0 ? null : a + b);
        }
    }

    synchronized long taken() {
        return taken;
    }

    synchronized long refused() {
        return refused;
    }
}
