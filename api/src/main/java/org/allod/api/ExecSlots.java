package org.allod.api;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;

/**
 * How many commands run at once through the API: in one machine, for one caller, on the host. Each holds up to a
 * megabyte of this process while its client is slow, so that without a bound a few thousand clients that never read are
 * the end of the daemon.
 *
 * <p>Any thread.
 */
public final class ExecSlots {
    /** What clients of the Unix socket may have besides: who repairs a host must not wait for its tenants. */
    private static final int RESERVE = 8;

    /**
     * The most at once.
     *
     * @param machine in one machine
     * @param caller for one token, or one address with the operator's
     * @param host altogether; times a megabyte, a quarter of the daemon's memory
     * @param keptBytes of output held for answers that are given whole, altogether
     */
    public record Bounds(int machine, int caller, int host, long keptBytes) {
        public static final Bounds USUAL = new Bounds(32, 64, 128, 64L << 20);
    }

    private final Bounds bounds;
    private final Map<Object, Integer> taken = new HashMap<>();
    private int all;
    private long kept;

    public ExecSlots(Bounds bounds) {
        this.bounds = bounds;
    }

    /** Room for one command, until it is closed; closing again is without effect. */
    interface Slot extends AutoCloseable {
        /** Takes memory for output; false where the host has no more to give. Given back when the slot is closed. */
        boolean keep(int bytes);

        @Override
        void close();
    }

    /** @throws RejectedException where a bound is reached, and says which */
    synchronized Slot take(MachineId machine, Caller caller) {
        int reserve = caller instanceof Caller.Local ? RESERVE : 0;
        String name = "caller " + caller.name();
        check("machine " + machine, taken.getOrDefault(machine, 0), bounds.machine + reserve);
        check("this host", all, bounds.host + reserve);
        if (!(caller instanceof Caller.Local)) {
            check(name, taken.getOrDefault(name, 0), bounds.caller);
        }
        all++;
        taken.merge(machine, 1, Integer::sum);
        taken.merge(name, 1, Integer::sum);
        return new Held(machine, name);
    }

    private static void check(String where, int running, int bound) {
        if (running >= bound) {
            throw RejectedException.because(
                    RejectedException.Reason.RATE_LIMITED,
                    "%d commands run for %s, which is the most at once".formatted(running, where),
                    "wait until one of them has ended, or end one");
        }
    }

    private synchronized boolean keep(int bytes) {
        if (kept + bytes > bounds.keptBytes) {
            return false;
        }
        kept += bytes;
        return true;
    }

    private synchronized void release(MachineId machine, String caller, long bytes) {
        all--;
        kept -= bytes;
        taken.computeIfPresent(machine, (k, n) -> n > 1 ? n - 1 : null);
        taken.computeIfPresent(caller, (k, n) -> n > 1 ? n - 1 : null);
    }

    private final class Held implements Slot {
        private final MachineId machine;
        private final String caller;
        private final AtomicBoolean closed = new AtomicBoolean();
        private long bytes;

        Held(MachineId machine, String caller) {
            this.machine = machine;
            this.caller = caller;
        }

        @Override
        public synchronized boolean keep(int more) {
            if (closed.get() || !ExecSlots.this.keep(more)) {
                return false;
            }
            bytes += more;
            return true;
        }

        @Override
        public synchronized void close() {
            if (closed.compareAndSet(false, true)) {
                release(machine, caller, bytes);
            }
        }
    }
}
