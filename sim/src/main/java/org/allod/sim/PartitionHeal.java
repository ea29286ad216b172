package org.allod.sim;

import java.util.List;
import org.allod.base.Rng;

/**
 * A fleet cut in two for a while, with writes on both sides: how long after it heals all hosts are equal, and how many bytes that
 * took beside those that were missed.
 */
public final class PartitionHeal {
    private static final long SECOND = 1_000_000_000L;

    /**
     * @param equalAfter seconds from healing until all hosts were equal; negative where they were not after a minute
     * @param missedBytes of change sets that a host had not seen, over all hosts
     * @param sentBytes of messages with change sets or rows from healing on
     */
    public record Figures(double equalAfter, long missedBytes, long sentBytes) {}

    private final Propagation fleet;
    private final SimulatedNetwork network;
    private final Rng rng;

    public PartitionHeal(long seed, int hosts) {
        fleet = new Propagation(seed, hosts, 0, 0);
        network = fleet.network();
        rng = Rng.seeded(seed).fork("partition");
    }

    public Figures run(int seconds, int writesPerSecond) {
        fleet.rest(5 * SECOND);
        List<SimulatedHost> hosts = network.hosts();
        for (SimulatedHost a : hosts) {
            for (SimulatedHost b : hosts) {
                if (a.number % 2 != b.number % 2) {
                    network.cut(a, b);
                }
            }
        }
        long[] missed = new long[1];
        long[] sent = new long[1];
        boolean[] healed = new boolean[1];
        network.tap((from, to, message) -> sent[0] += healed[0] && PropagationTap.counts(message) ? message.length : 0);
        for (int i = 0; i < seconds * writesPerSecond; i++) {
            missed[0] += (long) fleet.write(rng.nextInt(hosts.size()), i) * (hosts.size() / 2);
            fleet.rest(SECOND / writesPerSecond);
        }
        fleet.rest(SECOND / 10);
        network.healCuts();
        healed[0] = true;
        for (int quarter = 1; quarter <= 240; quarter++) {
            fleet.rest(SECOND / 4);
            if (fleet.allEqual()) {
                return new Figures(quarter / 4.0, missed[0], sent[0]);
            }
        }
        return new Figures(-1, missed[0], sent[0]);
    }
}
