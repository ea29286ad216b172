package org.allod.state;

import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.allod.base.Bug;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.store.Database;
import org.allod.store.DatabaseOptions;
import org.allod.store.Transaction;
import org.allod.store.TransactionBody;
import org.jspecify.annotations.Nullable;

/**
 * A replica in a SQLite file. What is acknowledged has been flushed. Thread rule: safe from any thread; the single
 * writer of the {@link Database} serializes writes.
 */
public final class SqliteReplica implements Replica, AutoCloseable {
    private static final int CHECKED = 512;
    private static final long FIRST_LAYOUT = 1;

    private final Database db;
    private final SiteId site;
    private final VersionVector seen;
    /** For readers, which may see it a moment late; writes ask the connection which one its triggers are of. */
    private volatile ReplicatedTables layout;

    private final Map<Long, ReplicatedTables> layouts = new ConcurrentHashMap<>();
    private final AtomicLong layoutVersion = new AtomicLong(FIRST_LAYOUT);
    /** Statements that were found harmless under this layout. Only used inside writes, which take turns. */
    private final Map<String, ReplicatedTables> checked = new LinkedHashMap<>(64, 0.75f, true);

    private SqliteReplica(Database db, SiteId site, VersionVector seen, ReplicatedTables layout) {
        this.db = db;
        this.site = site;
        this.seen = seen;
        this.layout = layout;
        layouts.put(FIRST_LAYOUT, layout);
    }

    /** Opens the file, making it and giving it a site where there is none. */
    public static SqliteReplica open(Path file, Rng rng) {
        Database db = Database.open(file, DatabaseOptions.defaults(), List.of(MetadataTables.SCHEMA));
        boolean done = false;
        try {
            SiteId site = db.write(tx -> site(tx, rng));
            ReplicatedTables layout = db.write(tx -> settle(tx, FIRST_LAYOUT));
            SqliteReplica replica = new SqliteReplica(db, site, db.read(SqliteReplica::readSeen), layout);
            done = true;
            return replica;
        } finally {
            if (!done) {
                db.close();
            }
        }
    }

    private static SiteId site(Transaction tx, Rng rng) throws SQLException {
        tx.update(
                "INSERT INTO _allod_site(ordinal, id) VALUES (?, ?) ON CONFLICT(ordinal) DO NOTHING",
                MetadataTables.SELF,
                new Encoder().site(SiteId.random(rng)).bytes());
        return new RowStore(tx, new ReplicatedTables(ReplicatedSchema.of(), Map.of())).site(MetadataTables.SELF);
    }

    private static ReplicatedTables settle(Transaction tx, long version) throws SQLException {
        ReplicatedTables layout = SchemaChange.current(tx);
        for (String sql : ChangeCapture.setUp(layout, version)) {
            tx.update(sql);
        }
        return layout;
    }

    private static VersionVector readSeen(Transaction tx) throws SQLException {
        VersionVector vector = new VersionVector();
        tx.list("SELECT s.id, n.first, n.last FROM _allod_seen n JOIN _allod_site s ON s.ordinal = n.site", row -> {
            NumberSet numbers = new NumberSet();
            numbers.add(row.getLong(2), row.getLong(3));
            vector.add(new Decoder(row.getBytes(1)).site(), numbers);
            return row.getLong(2);
        });
        return vector;
    }

    @Override
    public SiteId site() {
        return site;
    }

    @Override
    public VersionVector seen() {
        synchronized (seen) {
            return new VersionVector(seen);
        }
    }

    public ReplicatedSchema schema() {
        return layout.schema;
    }

    /**
     * Brings the tables to this schema, or changes nothing.
     *
     * @throws RejectedException saying what about the change is not additive
     */
    public synchronized void applySchema(ReplicatedSchema wanted) {
        long version = layoutVersion.incrementAndGet();
        layout = db.write(tx -> {
            SchemaChange.apply(tx, SchemaChange.current(tx), wanted);
            ReplicatedTables next = settle(tx, version);
            layouts.put(version, next);
            remote(tx, () -> new RowStore(tx, next).retryWaiting());
            return next;
        });
        layouts.keySet().removeIf(older -> older < version);
    }

    /**
     * The layout that holds in this transaction. A schema change may be in the same batch, and be rolled back with it.
     */
    private ReplicatedTables layout(Transaction tx) throws SQLException {
        long version = tx.first("SELECT layout FROM temp._allod_mode", row -> row.getLong(1))
                .orElseThrow();
        ReplicatedTables now = layouts.get(version);
        if (now == null) {
            throw new Bug("the writer's triggers are of layout " + version + ", which is not known");
        }
        return now;
    }

    /** Runs the statements in one transaction; completes once it is on the disk. */
    public CompletableFuture<LocalCommit> transact(List<SqlStatement> statements) {
        return db.submit(tx -> run(tx, statements)).thenApply(commit -> {
            synchronized (seen) {
                for (long number = commit.first(); number <= commit.last() && number > 0; number++) {
                    seen.add(new Dot(site, number));
                }
            }
            return commit;
        });
    }

    private LocalCommit run(Transaction tx, List<SqlStatement> statements) throws SQLException {
        ReplicatedTables now = layout(tx);
        List<Integer> rows = new ArrayList<>();
        for (SqlStatement statement : statements) {
            if (checked.get(statement.sql()) != now) {
                StatementGuard.check(tx, now, statement.sql());
                checked.put(statement.sql(), now);
                if (checked.size() > CHECKED) {
                    checked.remove(checked.keySet().iterator().next());
                }
            }
            rows.add(execute(tx, statement));
        }
        long first = head(tx) + 1;
        RowStore store = new RowStore(tx, now);
        ChangeCapture capture = new ChangeCapture(tx, now, store, site);
        int pieces = capture.collect(first);
        if (pieces == 0) {
            return new LocalCommit(rows, 0, -1, Optional.empty());
        }
        tx.update(
                "INSERT INTO _allod_seen(site, first, last) VALUES (?, 1, ?)"
                        + " ON CONFLICT(site, first) DO UPDATE SET last = excluded.last",
                MetadataTables.SELF,
                first + pieces - 1);
        Optional<ChangeSet> set = pieces > 1
                ? Optional.empty()
                : Optional.of(
                        ChangeSetReader.read(store, capture.touched(), MetadataTables.SELF, new Dot(site, first)));
        return new LocalCommit(rows, first, first + pieces - 1, set);
    }

    private static int execute(Transaction tx, SqlStatement statement) throws SQLException {
        PreparedStatement prepared = tx.prepared(statement.sql());
        int wanted = prepared.getParameterMetaData().getParameterCount();
        if (wanted != statement.parameters().size()) {
            throw RejectedException.invalid("the statement has %d parameters and was given %d values"
                    .formatted(wanted, statement.parameters().size()));
        }
        for (int i = 0; i < wanted; i++) {
            prepared.setObject(i + 1, Values.toDriver(statement.parameters().get(i)));
        }
        if (!prepared.execute()) {
            return prepared.getUpdateCount();
        }
        try (ResultSet rows = prepared.getResultSet()) {
            int count = 0;
            while (rows.next()) {
                count++;
            }
            return count;
        }
    }

    private static long head(Transaction tx) throws SQLException {
        return tx.first(
                        "SELECT last FROM _allod_seen WHERE site = ? AND first = 1",
                        row -> row.getLong(1),
                        MetadataTables.SELF)
                .orElse(0L);
    }

    /** Change sets of this or another site, as far as they have not been written over since. */
    public ChangeSet changeSet(Dot dot) {
        return db.read(tx -> {
            RowStore store = new RowStore(tx, layout);
            int ordinal = tx.first(
                            "SELECT ordinal FROM _allod_site WHERE id = ?",
                            row -> row.getInt(1),
                            new Encoder().site(dot.site()).bytes())
                    .orElse(0);
            return ChangeSetReader.read(store, layout.tables, ordinal, dot);
        });
    }

    private interface Step {
        void run() throws SQLException;
    }

    /** Writes by others: the triggers look away. */
    private static void remote(Transaction tx, Step step) throws SQLException {
        tx.update("UPDATE temp._allod_mode SET local = 0");
        step.run();
        tx.update("UPDATE temp._allod_mode SET local = 1");
    }

    @Override
    public void apply(List<ChangeSet> sets) {
        db.write(tx -> {
            RowStore store = new RowStore(tx, layout(tx));
            remote(tx, () -> applyNew(tx, store, sets));
            return 0;
        });
        synchronized (seen) {
            sets.forEach(set -> seen.add(set.dot()));
        }
    }

    private static void applyNew(Transaction tx, RowStore store, List<ChangeSet> sets) throws SQLException {
        Map<SiteId, NumberSet> known = new TreeMap<>();
        for (ChangeSet set : sets) {
            SiteId from = set.dot().site();
            NumberSet numbers = known.get(from);
            if (numbers == null) {
                numbers = SeenTable.read(tx, store.ordinal(from));
                known.put(from, numbers);
            }
            if (!numbers.contains(set.dot().number())) {
                for (RowChange row : set.rows()) {
                    store.merge(row);
                }
                numbers.add(set.dot().number());
            }
        }
        for (Map.Entry<SiteId, NumberSet> entry : known.entrySet()) {
            SeenTable.write(tx, store.ordinal(entry.getKey()), entry.getValue());
        }
    }

    @Override
    public void merge(List<RowChange> rows) {
        db.write(tx -> {
            RowStore store = new RowStore(tx, layout(tx));
            remote(tx, () -> {
                for (RowChange row : rows) {
                    store.merge(row);
                }
            });
            return 0;
        });
    }

    @Override
    public void claim(VersionVector vector) {
        db.write(tx -> {
            RowStore store = new RowStore(tx, layout(tx));
            for (Map.Entry<SiteId, NumberSet> entry : vector.sites().entrySet()) {
                int ordinal = store.ordinal(entry.getKey());
                NumberSet numbers = SeenTable.read(tx, ordinal);
                numbers.addAll(entry.getValue());
                SeenTable.write(tx, ordinal, numbers);
            }
            return 0;
        });
        synchronized (seen) {
            seen.addAll(vector);
        }
    }

    @Override
    public List<RowRef> missingFrom(VersionVector vector) {
        return db.read(tx -> {
            RowStore store = new RowStore(tx, layout);
            Set<RowRef> refs = new LinkedHashSet<>();
            for (int ordinal : tx.list("SELECT ordinal FROM _allod_site", row -> row.getInt(1))) {
                NumberSet theirs = vector.get(store.site(ordinal));
                for (NumberSet.Range gap : (theirs == null ? new NumberSet() : theirs).gaps()) {
                    for (TableSql table : layout.tables) {
                        RowRefs.find(store, table, ordinal, gap, refs);
                    }
                }
            }
            Predicate<Dot> missing = dot -> !vector.contains(dot);
            for (RowChange waiting : store.waiting()) {
                if (waiting.state().writtenBy(missing)) {
                    refs.add(new RowRef(waiting.table(), waiting.key()));
                }
            }
            return List.copyOf(refs);
        });
    }

    @Override
    public List<RowChange> rows(List<RowRef> refs, VersionVector without) {
        Predicate<Dot> missing = dot -> !without.contains(dot);
        return db.read(tx -> {
            RowStore store = new RowStore(tx, layout);
            List<RowChange> rows = new ArrayList<>();
            for (RowRef ref : refs) {
                TableSql table = layout.table(ref.table());
                @Nullable RowState state = table == null ? null : store.read(table, ref.key());
                if (state != null && state.writtenBy(missing)) {
                    rows.add(new RowChange(ref.table(), ref.key(), state.only(missing)));
                }
            }
            Set<RowRef> wanted = new LinkedHashSet<>(refs);
            for (RowChange waiting : store.waiting()) {
                if (wanted.contains(new RowRef(waiting.table(), waiting.key()))
                        && waiting.state().writtenBy(missing)) {
                    rows.add(new RowChange(
                            waiting.table(), waiting.key(), waiting.state().only(missing)));
                }
            }
            return rows;
        });
    }

    /** Reads with any SQL, from one snapshot. */
    public <T extends @Nullable Object> T read(TransactionBody<T> work) {
        return db.read(work);
    }

    @Override
    public void close() {
        db.close();
    }
}
