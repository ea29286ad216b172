package org.allod.state;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.allod.base.Bug;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one row, or what one change set says of it: the same type, because both are elements of one join
 * semilattice. {@link #join} is commutative, associative and idempotent up to which of two equal writers is named, so any
 * order, duplication or batching of changes ends in the same tables (Shapiro et al. 2011; causal length: Yu and Rostad
 * 2020).
 */
public sealed interface RowState {
    boolean alive();

    /** True where some part of it was written by a change set that passes. */
    boolean writtenBy(Predicate<Dot> test);

    /** The parts written by change sets that pass; only where {@link #writtenBy} is true. */
    RowState only(Predicate<Dot> test);

    /**
     * A row that merges cell by cell.
     *
     * @param causalLength odd while the row lives, even once it is deleted; each insert after a delete and each delete
     *     adds one. The greater length wins whatever the cells say: a delete beats any number of concurrent updates, an
     *     insert after it beats the delete
     * @param born the change set that began this life, or ended the last
     * @param cells those written in this life, by name of the column; empty once deleted
     */
    record Cells(long causalLength, Dot born, SortedMap<String, Cell> cells) implements RowState {
        public Cells {
            cells = Collections.unmodifiableSortedMap(cells);
        }

        @Override
        public boolean alive() {
            return (causalLength & 1) == 1;
        }

        @Override
        public boolean writtenBy(Predicate<Dot> test) {
            if (test.test(born)) {
                return true;
            }
            for (Cell cell : cells.values()) {
                if (test.test(cell.dot())) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public RowState only(Predicate<Dot> test) {
            TreeMap<String, Cell> passed = new TreeMap<>(cells);
            passed.values().removeIf(cell -> !test.test(cell.dot()));
            return new Cells(causalLength, born, passed);
        }
    }

    /**
     * A row of a {@code whole-row} table: one register. The greater (epoch, version) wins; at equal ones a deletion wins
     * over a row, and the greater row over the lesser.
     *
     * @param values all columns but the key, by name; empty once deleted
     */
    record Register(long epoch, long version, boolean dead, SortedMap<String, @Nullable Object> values, Dot dot)
            implements RowState {
        public Register {
            values = Collections.unmodifiableSortedMap(values);
        }

        @Override
        public boolean alive() {
            return !dead;
        }

        @Override
        public boolean writtenBy(Predicate<Dot> test) {
            return test.test(dot);
        }

        @Override
        public RowState only(Predicate<Dot> test) {
            return this;
        }

        int compareRegister(Register other) {
            int order = Long.compare(epoch, other.epoch);
            order = order != 0 ? order : Long.compare(version, other.version);
            order = order != 0 ? order : Boolean.compare(dead, other.dead);
            return order != 0 ? order : Values.compareRows(values, other.values);
        }
    }

    /** The least state that is at least both. Where both say the same, {@code known} is returned, the same object. */
    static RowState join(@Nullable RowState known, RowState incoming) {
        return switch (known) {
            case null -> incoming;
            case Cells a when incoming instanceof Cells b -> joinCells(a, b);
            case Register a when incoming instanceof Register b -> b.compareRegister(a) > 0 ? b : a;
            default -> throw new Bug("a row merges whole on one host and by cells on another: " + known);
        };
    }

    private static RowState joinCells(Cells known, Cells incoming) {
        if (known.causalLength != incoming.causalLength) {
            return incoming.causalLength > known.causalLength ? incoming : known;
        }
        TreeMap<String, Cell> merged = null;
        for (var entry : incoming.cells.entrySet()) {
            Cell mine = known.cells.get(entry.getKey());
            if (mine == null || entry.getValue().beats(mine)) {
                merged = merged == null ? new TreeMap<>(known.cells) : merged;
                merged.put(entry.getKey(), entry.getValue());
            }
        }
        return merged == null ? known : new Cells(known.causalLength, known.born, merged);
    }
}
