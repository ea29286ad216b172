package org.allod.sim;

import java.util.List;
import java.util.TreeMap;
import org.allod.state.Cell;
import org.allod.state.ChangeSet;
import org.allod.state.MemoryReplica;
import org.allod.state.Replica;
import org.allod.state.RowChange;
import org.allod.state.RowState;
import org.allod.state.SiteId;
import org.allod.state.VersionVector;
import org.jspecify.annotations.Nullable;

/** Plants the defects of {@link PlantedBug} into a replica. */
final class PlantedBugs {
    private PlantedBugs() {}

    static MemoryReplica.Join join(PlantedBug bug) {
        return switch (bug) {
            case TIE_BY_ARRIVAL -> PlantedBugs::joinByArrival;
            case TOMBSTONE_FORGOTTEN ->
                (known, incoming) -> {
                    RowState joined = RowState.join(known, incoming);
                    return joined.alive() ? joined : null;
                };
            default -> RowState::join;
        };
    }

    private static RowState joinByArrival(@Nullable RowState known, RowState incoming) {
        RowState right = RowState.join(known, incoming);
        if (right instanceof RowState.Cells joined && incoming instanceof RowState.Cells came) {
            TreeMap<String, Cell> cells = new TreeMap<>(joined.cells());
            came.cells().forEach((name, cell) -> {
                Cell mine = cells.get(name);
                if (joined.causalLength() == came.causalLength() && mine != null && mine.version() == cell.version()) {
                    cells.put(name, cell);
                }
            });
            return new RowState.Cells(joined.causalLength(), joined.born(), cells);
        }
        return right;
    }

    static Replica replica(PlantedBug bug, Replica real) {
        return bug == PlantedBug.DIGEST_FORGETS_SITE ? new Forgetful(real) : real;
    }

    /** Leaves the site with the lowest id out of what it says it has seen. */
    private record Forgetful(Replica real) implements Replica {
        @Override
        public SiteId site() {
            return real.site();
        }

        @Override
        public VersionVector seen() {
            VersionVector vector = new VersionVector();
            SiteId first = real.seen().sites().isEmpty()
                    ? real.site()
                    : real.seen().sites().firstKey();
            real.seen().sites().forEach((site, numbers) -> {
                if (!site.equals(first)) {
                    vector.add(site, numbers);
                }
            });
            return vector;
        }

        @Override
        public void apply(List<ChangeSet> sets) {
            real.apply(sets);
        }

        @Override
        public void merge(List<RowChange> rows) {
            real.merge(rows);
        }

        @Override
        public void claim(VersionVector vector) {
            real.claim(vector);
        }

        @Override
        public List<RowRef> missingFrom(VersionVector vector) {
            VersionVector all = new VersionVector(vector);
            real.seen().sites().forEach((site, numbers) -> {
                if (seen().get(site) == null) {
                    all.add(site, numbers);
                }
            });
            return real.missingFrom(all);
        }

        @Override
        public List<RowChange> rows(List<RowRef> refs, VersionVector without) {
            return real.rows(refs, without);
        }
    }
}
