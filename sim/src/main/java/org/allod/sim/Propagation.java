package org.allod.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.allod.state.AgentOptions;
import org.allod.state.HostInfo;
import org.allod.state.LocalWrite;
import org.allod.state.Member;
import org.allod.state.RowKey;
import org.jspecify.annotations.Nullable;

/**
 * How fast a change reaches every host, in the model in which Corrosion's authors measure theirs: each host writes once, 200
 * writes a second, all hosts know one another. The floor is the same run's flight to the host that is furthest.
 */
public final class Propagation {
    private static final long SECOND = 1_000_000_000L;
    /** What a datagram costs beside what is in it: IP, UDP, QUIC's head and its seal. */
    private static final int HEADERS = 68;
    /** What a change set of {@link #write} takes on the wire, to a few bytes. */
    private static final int CHANGE_SET = 70;

    /**
     * Milliseconds from the write to the last host, over the writes that broadcast brought to all; the floor of each.
     *
     * @param copies change sets sent for each host and write
     * @param longHaul the share of them that went far
     * @param delivered the share of hosts and writes to which broadcast brought them
     * @param allEqual whether sync has brought the rest three seconds after the last write
     */
    public record Figures(
            double p50,
            double p99,
            double max,
            double floorP50,
            double floorMax,
            double copies,
            double longHaul,
            double delivered,
            boolean allEqual,
            double idleBytesPerSecond) {}

    private final EventQueue events = new EventQueue();
    private final SimulatedNetwork network;
    private final List<StateProcess> processes = new ArrayList<>();
    private final Rng rng;
    private final StateChecker checker = new StateChecker(events, new ArrayList<>());
    private final long applyNanos;

    /** @param applyNanos what a host waits before it may be read, for batching and applying */
    public Propagation(long seed, int hosts, double loss, long applyNanos) {
        this.applyNanos = applyNanos;
        rng = Rng.seeded(seed);
        network = new SimulatedNetwork(events, rng.fork("network"));
        Rng places = rng.fork("places");
        for (int i = 0; i < hosts; i++) {
            SimulatedHost host = network.add(Place.pick(places));
            host.boot(rng.fork("clock" + i).nextLong(1L << 40), 1);
            SimulatedDisk<DiskRecord> disk = new SimulatedDisk<>(events, rng.fork("disk" + i), false);
            StateProcess process = new StateProcess(
                    host,
                    network,
                    disk,
                    List.of(),
                    AgentOptions.defaults(),
                    checker,
                    PlantedBug.NONE,
                    rng.fork("process" + i));
            processes.add(process);
        }
        for (int i = 0; i < hosts; i++) {
            StateProcess process = processes.get(i);
            SimulatedHost host = network.hosts().get(i);
            for (SimulatedHost other : network.hosts()) {
                process.agent()
                        .membership()
                        .remember(
                                new HostInfo(StateProcess.site(other), other.address, other.place.name()),
                                1L << 20,
                                host.now());
            }
            host.run(process);
        }
        network.faults(new NetworkFaults(loss, 0, 0, 0));
    }

    /** Who is told what some host thinks of some member from now on. */
    interface Watcher {
        void changed(SimulatedHost observer, Member member);
    }

    void watchMembers(Watcher watcher) {
        processes.forEach(p -> p.watch(watcher));
    }

    long now() {
        return events.now();
    }

    int size() {
        return processes.size();
    }

    void rest(long nanos) {
        events.runUntil(events.now() + nanos);
    }

    SimulatedNetwork network() {
        return network;
    }

    void kill(int host) {
        network.hosts().get(host).kill();
    }

    /** Runs for some seconds of rest, then the writes. */
    public Figures run(int restSeconds, int writes) {
        long[] bytes = new long[1];
        long[] copies = new long[2];
        PropagationTap tap = new PropagationTap(copies);
        network.tap((from, to, message) -> bytes[0] += message.length + HEADERS);
        network.tap(tap);
        events.runUntil(restSeconds * SECOND);
        double idle = (double) bytes[0] / restSeconds / processes.size();
        Rng when = rng.fork("when");
        int[] order = shuffled(when, processes.size());
        long begin = events.now();
        for (int i = 0; i < writes; i++) {
            int host = order[i % order.length];
            events.at(begin + when.nextLong(writes * SECOND / 200), () -> write(host));
        }
        List<Double> last = new ArrayList<>();
        List<Double> floors = new ArrayList<>();
        checker.watch();
        events.runUntil(begin + writes * SECOND / 200 + 3 * SECOND);
        double delivered = 0;
        for (StateChecker.Spread spread : checker.spreads()) {
            delivered += spread.reached();
            if (spread.reached() == processes.size() - 1) {
                last.add((spread.last() - spread.told() + applyNanos) / 1e6);
            }
            floors.add(furthest(spread.host()) / 1e6);
        }
        last.sort(null);
        floors.sort(null);
        double others = (double) writes * (processes.size() - 1);
        return new Figures(
                at(last, 0.5),
                at(last, 0.99),
                at(last, 1),
                at(floors, 0.5),
                at(floors, 1),
                copies[0] / others,
                (double) copies[1] / Math.max(1, copies[0]),
                delivered / others,
                allEqual(),
                idle);
    }

    boolean allEqual() {
        long hash = checker.expected().contentHash();
        return processes.stream().allMatch(p -> p.replica().contentHash() == hash);
    }

    private double furthest(int host) {
        long most = 0;
        for (SimulatedHost other : network.hosts()) {
            most = Math.max(most, network.hosts().get(host).place.roundTrip(other.place));
        }
        // The mean of the jitter, for one flight.
        return most / 2.0 * 1.075;
    }

    private void write(int host) {
        write(host, host);
    }

    /** Writes one row; about how many bytes the change set is. */
    int write(int host, int row) {
        TreeMap<String, @Nullable Object> values = new TreeMap<>();
        values.put("address", "10.0.0." + host);
        values.put("port", (long) row);
        processes.get(host).write(List.of(new LocalWrite.Put("service", RowKey.of("s" + row), values)));
        return CHANGE_SET;
    }

    private static int[] shuffled(Rng rng, int count) {
        int[] order = new int[count];
        for (int i = 0; i < count; i++) {
            int j = rng.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    static double at(List<Double> sorted, double share) {
        return sorted.isEmpty() ? Double.NaN : sorted.get((int) Math.ceil(share * (sorted.size() - 1)));
    }
}
