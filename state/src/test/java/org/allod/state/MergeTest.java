package org.allod.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.junit.jupiter.api.Test;

/** Any order, duplication and batching of changes gives the same tables: those the definition gives. */
class MergeTest {
    private static final int SEEDS = 400;

    @Test
    void changeSets_inEveryOrder_giveTheOraclesTables() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            List<ChangeSet> sets = concurrent(Rng.seeded(seed), 3, 5);
            MergeOracle oracle = new MergeOracle();
            sets.forEach(oracle::add);
            for (List<ChangeSet> order : permutations(sets)) {
                MemoryReplica replica = new MemoryReplica(Trace.sites(9).getLast(), Trace.SCHEMA);
                order.forEach(set -> replica.apply(List.of(set)));
                assertEqual("seed " + seed + " order " + order, replica, oracle);
            }
        }
    }

    @Test
    void changeSets_duplicatedAndBatched_giveTheOraclesTables() {
        for (long seed = 1; seed <= SEEDS; seed++) {
            Rng rng = Rng.seeded(seed);
            List<ChangeSet> sets = concurrent(rng.fork("trace"), 4, 60);
            MergeOracle oracle = new MergeOracle();
            sets.forEach(oracle::add);
            List<ChangeSet> delivered = new ArrayList<>(sets);
            sets.stream().filter(s -> rng.chance(0.4)).forEach(delivered::add);
            Collections.shuffle(delivered, new java.util.Random(seed));
            MemoryReplica replica = new MemoryReplica(Trace.sites(9).getLast(), Trace.SCHEMA);
            for (int at = 0; at < delivered.size(); ) {
                int to = Math.min(delivered.size(), at + 1 + rng.nextInt(7));
                replica.apply(delivered.subList(at, to));
                at = to;
            }
            assertEqual("seed " + seed, replica, oracle);
            assertThat(replica.seen().sitesWithGaps()).isZero();
        }
    }

    /** Sites write, and now and then hear of one another's changes, so that lives and versions build on each other. */
    private static List<ChangeSet> concurrent(Rng rng, int sites, int steps) {
        Trace trace = new Trace(rng);
        List<MemoryReplica> replicas = new ArrayList<>();
        Trace.sites(sites).forEach(site -> replicas.add(new MemoryReplica(site, Trace.SCHEMA)));
        List<ChangeSet> sets = new ArrayList<>();
        while (sets.size() < steps) {
            MemoryReplica replica = replicas.get(rng.nextInt(sites));
            if (!sets.isEmpty() && rng.chance(0.5)) {
                replica.apply(List.of(sets.get(rng.nextInt(sets.size()))));
            } else {
                try {
                    replica.prepare(trace.writes()).ifPresent(set -> {
                        replica.apply(List.of(set));
                        sets.add(set);
                    });
                } catch (RejectedException stale) {
                    // A version that is not above the stored one is refused, and changes nothing.
                }
            }
        }
        return sets;
    }

    private static void assertEqual(String what, MemoryReplica replica, MergeOracle oracle) {
        for (TableSchema table : Trace.SCHEMA.tables().values()) {
            assertThat(replica.table(table.name()))
                    .as(what + " table " + table.name())
                    .isEqualTo(oracle.table(table));
        }
    }

    private static List<List<ChangeSet>> permutations(List<ChangeSet> sets) {
        if (sets.isEmpty()) {
            return List.of(List.of());
        }
        List<List<ChangeSet>> result = new ArrayList<>();
        for (int i = 0; i < sets.size(); i++) {
            List<ChangeSet> rest = new ArrayList<>(sets);
            ChangeSet first = rest.remove(i);
            for (List<ChangeSet> tail : permutations(rest)) {
                List<ChangeSet> order = new ArrayList<>(List.of(first));
                order.addAll(tail);
                result.add(order);
            }
        }
        return result;
    }
}
