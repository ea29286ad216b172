package org.allod.base;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * Bounds the connections of a listener, overall and from one address. Safe from any thread and lock-free.
 *
 * <p>An IPv6 client usually owns a whole /64, so its address counts by the first 64 bits. Addresses share {@value
 * #SLOTS} counters by a hash that is seeded anew in each process: the memory is the same however many addresses
 * connect, and nobody can choose an address that shares a counter with somebody else's.
 */
public final class ConnectionCaps {
    private static final int SLOTS = 1 << 14;

    private final int most;
    private final int mostPerAddress;
    private final long seed;
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicIntegerArray byAddress = new AtomicIntegerArray(SLOTS);
    private final LongAdder refused = new LongAdder();
    private final LongAdder refusedByAddress = new LongAdder();

    /** Whether a connection may stay. */
    public enum Verdict {
        ADMITTED,
        TOO_MANY,
        TOO_MANY_FROM_ADDRESS
    }

    /**
     * @param most connections at once
     * @param mostPerAddress connections at once from one IPv4 address or one IPv6 /64
     * @param seed of the hash that maps addresses to counters
     */
    public ConnectionCaps(int most, int mostPerAddress, long seed) {
        this.most = most;
        this.mostPerAddress = mostPerAddress;
        this.seed = seed;
    }

    /**
     * Counts a connection unless it is over a bound. The caller must {@link #leave} once for each admitted one. The bound
     * of its address is checked first: others give way only to a connection that could have their place.
     */
    public Verdict enter(InetAddress address) {
        int slot = slot(address);
        if (byAddress.incrementAndGet(slot) > mostPerAddress) {
            byAddress.decrementAndGet(slot);
            refusedByAddress.increment();
            return Verdict.TOO_MANY_FROM_ADDRESS;
        }
        if (open.incrementAndGet() > most) {
            open.decrementAndGet();
            byAddress.decrementAndGet(slot);
            refused.increment();
            return Verdict.TOO_MANY;
        }
        return Verdict.ADMITTED;
    }

    /** A connection that was admitted has closed. */
    public void leave(InetAddress address) {
        byAddress.decrementAndGet(slot(address));
        open.decrementAndGet();
    }

    /** Connections that are counted now. */
    public int open() {
        return open.get();
    }

    /** Connections refused since the start because there were too many overall. */
    public long refused() {
        return refused.sum();
    }

    /** Connections refused since the start because their address had too many. */
    public long refusedByAddress() {
        return refusedByAddress.sum();
    }

    private int slot(InetAddress address) {
        byte[] bytes = address.getAddress();
        int counted = address instanceof Inet6Address ? 8 : bytes.length;
        long hash = seed ^ counted;
        for (int i = 0; i < counted; i++) {
            hash = (hash ^ (bytes[i] & 0xff)) * 0x9e3779b97f4a7c15L;
            hash ^= hash >>> 29;
        }
        return (int) (hash >>> 50);
    }
}
