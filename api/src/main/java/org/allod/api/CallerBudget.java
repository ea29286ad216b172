package org.allod.api;

import java.util.HashMap;
import java.util.Map;
import org.allod.base.Bug;

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

    /** Takes {@code amount} for the caller, or nothing where that is too much. Nothing can always be had. */
    synchronized boolean take(Caller caller, long amount) {
        if (amount == 0) {
            return true;
        }
        long has = byCaller.getOrDefault(caller.account(), 0L);
        if (has + amount > Math.min(mostPerCaller, most - taken)) {
            refused++;
            return false;
        }
        byCaller.put(caller.account(), has + amount);
        taken += amount;
        return true;
    }

    /** Gives back what was taken; what the caller does not have would be somebody else's. */
    synchronized void give(Caller caller, long amount) {
        if (amount == 0) {
            return;
        }
        long left = byCaller.getOrDefault(caller.account(), 0L) - amount;
        if (left < 0) {
            throw new Bug("%s gives back %d more than it has taken".formatted(caller.account(), -left));
        }
        taken -= amount;
        if (left == 0) {
            byCaller.remove(caller.account());
        } else {
            byCaller.put(caller.account(), left);
        }
    }

    synchronized long taken() {
        return taken;
    }

    synchronized long refused() {
        return refused;
    }
}
