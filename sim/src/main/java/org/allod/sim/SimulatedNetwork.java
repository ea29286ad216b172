package org.allod.sim;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.allod.base.Rng;

/** Delivers messages between hosts with the latency of their distance and the faults of the moment. */
public final class SimulatedNetwork {
    /** What watches messages on their way: figures and tests. */
    public interface Tap {
        void sent(SimulatedHost from, SimulatedHost to, byte[] message);
    }

    private static final long[][] ROUND_TRIPS = Place.ALL.stream()
            .map(a -> Place.ALL.stream().mapToLong(a::roundTrip).toArray())
            .toArray(long[][]::new);

    private final EventQueue events;
    private final Rng rng;
    private final List<SimulatedHost> hosts = new ArrayList<>();
    private final List<Tap> taps = new ArrayList<>();
    /** One-way cuts: from * 2^32 + to. Only ever asked whether it contains one. */
    private final Set<Long> cut = new HashSet<>();
    /** Extra nanoseconds in and out of a host. */
    private long[] slow = new long[0];

    private NetworkFaults faults = NetworkFaults.NONE;
    private long trace;

    SimulatedNetwork(EventQueue events, Rng rng) {
        this.events = events;
        this.rng = rng;
    }

    SimulatedHost add(Place place) {
        SimulatedHost host = new SimulatedHost(events, hosts.size(), place);
        hosts.add(host);
        slow = java.util.Arrays.copyOf(slow, hosts.size());
        return host;
    }

    public List<SimulatedHost> hosts() {
        return hosts;
    }

    public void tap(Tap tap) {
        taps.add(tap);
    }

    void faults(NetworkFaults now) {
        faults = now;
    }

    void slow(SimulatedHost host, long nanos) {
        slow[host.number] = nanos;
    }

    /** Nothing comes from the one to the other any more; the way back is another. */
    void cut(SimulatedHost from, SimulatedHost to) {
        cut.add(((long) from.number << 32) | to.number);
    }

    void healCuts() {
        cut.clear();
    }

    void heal() {
        healCuts();
        faults = NetworkFaults.NONE;
        java.util.Arrays.fill(slow, 0);
    }

    /** A number that differs where one message more, less, other or at another time was sent. */
    public long trace() {
        return trace;
    }

    void send(SimulatedHost from, String address, byte[] message) {
        SimulatedHost to = hosts.get(Integer.parseInt(address.substring(1)));
        long pair = ((long) from.number << 40) ^ ((long) to.number << 20);
        trace = trace * 0x9e3779b97f4a7c15L + (events.now() ^ pair ^ java.util.Arrays.hashCode(message));
        taps.forEach(t -> t.sent(from, to, message));
        if (cut.contains(((long) from.number << 32) | to.number) || rng.chance(faults.loss())) {
            return;
        }
        carry(from, to, message);
        if (rng.chance(faults.duplicate())) {
            carry(from, to, message);
        }
    }

    private void carry(SimulatedHost from, SimulatedHost to, byte[] message) {
        double jitter = 1 + 0.15 * rng.nextDouble();
        long flight = (long) (ROUND_TRIPS[from.placeNumber][to.placeNumber] / 2.0 * jitter)
                + slow[from.number]
                + slow[to.number];
        if (rng.chance(faults.delay())) {
            flight += rng.nextLong(faults.delayNanos() + 1);
        }
        events.after(flight, () -> to.deliver(message));
    }
}
