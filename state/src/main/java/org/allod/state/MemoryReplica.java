package org.allod.state;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/** A replica in memory, for hosts in the simulator. Thread rule: one thread. */
public final class MemoryReplica implements Replica {
    private final SiteId site;
    private final ReplicatedSchema schema;
    private final Join join;
    private final VersionVector seen = new VersionVector();
    private final TreeMap<String, TreeMap<RowKey, RowState>> tables = new TreeMap<>();

    public MemoryReplica(SiteId site, ReplicatedSchema schema) {
        this(site, schema, RowState::join);
    }

    /** With a join of one's own: simulations plant their faults here. */
    public MemoryReplica(SiteId site, ReplicatedSchema schema, Join join) {
        this.site = site;
        this.schema = schema;
        this.join = join;
    }

    /** What makes one row of what is known and what comes; {@code null} forgets it. */
    public interface Join {
        @Nullable
        RowState join(@Nullable RowState known, RowState incoming);
    }

    @Override
    public SiteId site() {
        return site;
    }

    @Override
    public VersionVector seen() {
        return seen;
    }

    /** The change set these writes make; nothing is changed until it is applied. Empty where they change nothing. */
    public Optional<ChangeSet> prepare(List<LocalWrite> writes) {
        Dot dot = new Dot(site, seen.head(site) + 1);
        Map<RowRef, RowState> after = new LinkedHashMap<>();
        for (LocalWrite write : writes) {
            RowRef ref = new RowRef(write.table(), write.key());
            RowState known = after.containsKey(ref) ? after.get(ref) : row(ref);
            RowState next = written(known, write, dot);
            if (next != null && !next.equals(known)) {
                after.put(ref, next);
            }
        }
        List<RowChange> rows = new ArrayList<>();
        after.forEach((ref, state) -> rows.add(new RowChange(ref.table(), ref.key(), state.only(dot::equals))));
        return rows.isEmpty() ? Optional.empty() : Optional.of(new ChangeSet(dot, rows));
    }

    private @Nullable RowState written(@Nullable RowState known, LocalWrite write, Dot dot) {
        TableSchema table = schema.table(write.table())
                .orElseThrow(() -> RejectedException.notFound("there is no replicated table '" + write.table() + "'"));
        return switch (write) {
            case LocalWrite.Put put ->
                table.wholeRow() ? LocalRows.putRegister(known, put, dot) : LocalRows.put(known, put, dot);
            case LocalWrite.Delete delete -> known == null || !known.alive() ? known : LocalRows.delete(known, dot);
        };
    }

    @Override
    public void apply(List<ChangeSet> sets) {
        for (ChangeSet set : sets) {
            merge(set.rows());
            seen.add(set.dot());
        }
    }

    @Override
    public void merge(List<RowChange> rows) {
        for (RowChange row : rows) {
            tables.computeIfAbsent(row.table(), t -> new TreeMap<>())
                    .compute(row.key(), (key, known) -> join.join(known, row.state()));
        }
    }

    @Override
    public void claim(VersionVector vector) {
        seen.addAll(vector);
    }

    @Override
    public List<RowRef> missingFrom(VersionVector vector) {
        Predicate<Dot> missing = dot -> !vector.contains(dot);
        List<RowRef> result = new ArrayList<>();
        tables.forEach((table, rows) -> rows.forEach((key, state) -> {
            if (state.writtenBy(missing)) {
                result.add(new RowRef(table, key));
            }
        }));
        return result;
    }

    @Override
    public List<RowChange> rows(List<RowRef> refs, VersionVector without) {
        Predicate<Dot> missing = dot -> !without.contains(dot);
        List<RowChange> result = new ArrayList<>();
        for (RowRef ref : refs) {
            RowState state = row(ref);
            if (state != null && state.writtenBy(missing)) {
                result.add(new RowChange(ref.table(), ref.key(), state.only(missing)));
            }
        }
        return result;
    }

    public @Nullable RowState row(RowRef ref) {
        TreeMap<RowKey, RowState> rows = tables.get(ref.table());
        return rows == null ? null : rows.get(ref.key());
    }

    /** The rows that live, by key, as a reader sees them: defaults where nobody has written. */
    public SortedMap<RowKey, SortedMap<String, @Nullable Object>> table(String name) {
        TreeMap<RowKey, SortedMap<String, @Nullable Object>> result = new TreeMap<>();
        TableSchema table = schema.table(name).orElseThrow(() -> RejectedException.notFound("table " + name));
        tables.getOrDefault(name, new TreeMap<>()).forEach((key, state) -> {
            if (state.alive()) {
                result.put(key, LocalRows.visible(table, state));
            }
        });
        return result;
    }

    /** One number for the contents of all rows, deleted ones included: equal where the replicas are. */
    public long contentHash() {
        long hash = 0;
        for (var table : tables.entrySet()) {
            for (var row : table.getValue().entrySet()) {
                hash += SplitMix64.mix(LocalRows.content(table.getKey(), row.getKey(), row.getValue())
                        .hashCode());
            }
        }
        return hash;
    }

    /** The first row that is not the same in both, for a person to read; empty where all are. */
    public String difference(MemoryReplica other) {
        VersionVector nothing = new VersionVector();
        LinkedHashSet<RowRef> refs = new LinkedHashSet<>(missingFrom(nothing));
        refs.addAll(other.missingFrom(nothing));
        for (RowRef ref : refs) {
            RowState mine = row(ref);
            RowState theirs = other.row(ref);
            boolean same = mine != null
                    && theirs != null
                    && LocalRows.content(ref.table(), ref.key(), mine)
                            .equals(LocalRows.content(ref.table(), ref.key(), theirs));
            if (!same) {
                return ref + ": " + mine + " here, " + theirs + " there";
            }
        }
        return "";
    }
}
