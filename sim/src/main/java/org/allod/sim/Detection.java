package org.allod.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.allod.state.Member;
import org.allod.state.MemberStatus;

/**
 * How fast a dead host is known to be dead to all others, and how often a living one is believed dead, while a share of all messages
 * is lost.
 */
public final class Detection {
    private static final long SECOND = 1_000_000_000L;

    /**
     * @param allKnow seconds from a host's death until the last other knew, of each death, in order
     * @param firstSuspects seconds until the first suspected it
     * @param falselyDead living hosts that somebody declared dead
     * @param falselySuspected how often a living one was suspected by its first accuser's word reaching somebody
     */
    public record Figures(List<Double> allKnow, List<Double> firstSuspects, long falselyDead, long falselySuspected) {
        public double p50() {
            return Propagation.at(allKnow, 0.5);
        }

        public double p99() {
            return Propagation.at(allKnow, 0.99);
        }
    }

    private final Propagation fleet;
    private final Map<Integer, Long> diedAt = new TreeMap<>();
    private final Map<Integer, Long> lastKnew = new TreeMap<>();
    private final Map<Integer, Integer> know = new TreeMap<>();
    private final Map<Integer, Long> firstSuspect = new TreeMap<>();
    private long falselyDead;
    private long falselySuspected;

    public Detection(long seed, int hosts, double loss) {
        fleet = new Propagation(seed, hosts, loss, 0);
        fleet.watchMembers(this::changed);
    }

    private void changed(SimulatedHost observer, Member member) {
        int number = Integer.parseInt(member.host().address().substring(1));
        if (!diedAt.containsKey(number)) {
            falselyDead += member.status() == MemberStatus.DEAD ? 1 : 0;
            falselySuspected += member.status() == MemberStatus.SUSPECT ? 1 : 0;
        } else if (member.status() == MemberStatus.SUSPECT) {
            firstSuspect.putIfAbsent(number, fleet.now());
        } else if (member.status() == MemberStatus.DEAD) {
            know.merge(number, 1, Integer::sum);
            lastKnew.put(number, fleet.now());
        }
    }

    /** Lets the fleet rest, then kills hosts one after the other, some seconds apart. */
    public Figures run(int restSeconds, int deaths, int secondsApart) {
        fleet.rest(restSeconds * SECOND);
        for (int i = 0; i < deaths; i++) {
            diedAt.put(i, fleet.now());
            fleet.kill(i);
            fleet.rest(secondsApart * SECOND);
        }
        List<Double> all = new ArrayList<>();
        List<Double> first = new ArrayList<>();
        for (int i = 0; i < deaths; i++) {
            if (know.getOrDefault(i, 0) >= fleet.size() - deaths) {
                all.add((lastKnew.getOrDefault(i, 0L) - diedAt.getOrDefault(i, 0L)) / 1e9);
                first.add((firstSuspect.getOrDefault(i, 0L) - diedAt.getOrDefault(i, 0L)) / 1e9);
            }
        }
        all.sort(null);
        first.sort(null);
        return new Figures(all, first, falselyDead, falselySuspected);
    }
}
