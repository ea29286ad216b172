package org.allod.api;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;

/**
 * Limits how many commands run at once through the API: in one machine, for one caller, on the host. Each can hold up
 * to a megabyte of this process while its client is slow, so that without a limit a few thousand clients that never
 * read would exhaust the daemon's memory.
 *
 * <p>Safe for any thread.
 */
public final class ExecSlots {
    /**
     * Additional commands for clients of the Unix socket: an operator who repairs the host must not wait for tenants.
     */
    private static final int RESERVE = 8;

    /**
     * The limits.
     *
     * @param machine commands in one machine
     * @param caller commands of one token, or of one address with the operator's token
     * @param host commands in total; times a megabyte, that is a quarter of the daemon's memory
     * @param keptBytes total bytes of output buffered for responses that are not streamed
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

    /** A slot for one command, until it is closed; closing twice has no effect. */
    interface Slot extends AutoCloseable {
        /**
         * Reserves memory for output; returns false if the host's limit is reached. Released when the slot is closed.
         */
        boolean keep(int bytes);

        @Override
        void close();
    }

    /** @throws RejectedException RejectedException if a limit is reached; the message says which */
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
                    "%d commands are running for %s, which is the limit".formatted(running, where),
                    "wait until one of them ends, or end one");
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
