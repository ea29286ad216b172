package org.allod.machine;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.allod.base.Bug;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import org.allod.store.Database;
import org.allod.store.Transaction;

/** The rows of machines, their versions and events. Every write is durable when it returns. */
final class MachineTable {
    /** How many events are kept for a machine; the oldest are deleted first. */
    static final int EVENTS = 100;

    /** How many records one reader reads at a time when all are read. */
    private static final int PAGE = 4_000;

    /** How many destroyed machines can still be looked up. */
    static final int GONE = 1_000;

    /** How many of those are kept for longer than {@link #GONE_FOR}. */
    static final int GONE_LONG = 100;

    /** Counted back from the time at which the last machine was destroyed. */
    static final Duration GONE_FOR = Duration.ofDays(90);

    /** How many versions are kept for a machine that is not destroyed: the newest. */
    static final int VERSIONS = 100;

    /** How many of those are kept whatever their size; one may hold a megabyte of files. */
    static final int VERSIONS_LARGE = 5;

    /** The others are kept as long as they fit into this many bytes. */
    static final int VERSIONS_BYTES = 4 << 20;

    private final Database database;

    MachineTable(Database database) {
        this.database = database;
    }

    /** One version of a machine's configuration. */
    record Version(String version, MachineConfig config) {}

    /**
     * Every machine that is not destroyed, in no order. All readers of the database read in parallel, in the order of
     * the file, since the daemon has nothing else to do when it starts.
     *
     * @throws FailedException if a record is damaged; names the machine. A host that skipped the record would take the
     *     machine for an orphan and remove it
     */
    List<Machine> living() {
        BulkRecordReader reader = new BulkRecordReader();
        long last = database.read(tx -> tx.first("SELECT max(rowid) FROM machine", row -> row.getLong(1)))
                .orElse(0L);
        return LongStream.rangeClosed(0, last / PAGE)
                .parallel()
                .mapToObj(page -> page(reader, page * PAGE))
                .flatMap(List::stream)
                .toList();
    }

    private List<Machine> page(BulkRecordReader reader, long first) {
        return database.read(tx -> tx.list(
                "SELECT id, record FROM machine WHERE state <> 'destroyed' AND rowid >= ? AND rowid < ?",
                row -> {
                    try {
                        return reader.read(row.getBytes(2));
                    } catch (RuntimeException | Bug e) {
                        throw new FailedException(
                                "the record of machine %s in %s is damaged: %s; put the file back from a backup, since"
                                                .formatted(row.getString(1), database.file(), e.getMessage())
                                        + " what the host runs is known from it alone",
                                e);
                    }
                },
                first,
                first + PAGE));
    }

    Optional<Machine> find(MachineId id) {
        return database.read(tx -> tx.first(
                "SELECT record FROM machine WHERE id = ?", row -> MachineJson.read(row.getString(1)), id.text()));
    }

    List<Machine> destroyed(String app) {
        return database.read(tx -> tx.list(
                "SELECT record FROM machine WHERE state = 'destroyed' AND app = ? ORDER BY updated DESC",
                row -> MachineJson.read(row.getString(1)),
                app));
    }

    /** The destroyed machines of all apps that can still be looked up. */
    List<Machine> destroyed() {
        return database.read(tx -> tx.list(
                "SELECT record FROM machine WHERE state = 'destroyed' ORDER BY updated DESC LIMIT ?",
                row -> MachineJson.read(row.getString(1)),
                GONE));
    }

    /** Writes the whole record and its events in one transaction. */
    void put(Machine machine, List<MachineEvent> events) {
        database.write(tx -> {
            tx.update(
                    "INSERT INTO machine (id, app, name, state, updated, record) VALUES (?, ?, ?, ?, ?, ?) "
                            + "ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated = excluded.updated, "
                            + "record = excluded.record",
                    machine.id().text(),
                    machine.app(),
                    machine.name(),
                    machine.state().wire(),
                    machine.updated().toEpochMilli(),
                    MachineJson.write(machine));
            int added = tx.update(
                    "INSERT OR IGNORE INTO machine_version (machine, version, config) VALUES (?, ?, ?)",
                    machine.id().text(),
                    machine.version().toString(),
                    machine.config().text().toString());
            if (added > 0) {
                forgetVersions(tx, machine);
            }
            if (machine.state() == MachineState.DESTROYED) {
                forgetGone(tx, machine.updated());
            }
            for (MachineEvent event : events) {
                append(tx, machine.id(), event);
            }
            return 0;
        });
    }

    private static void append(Transaction tx, MachineId machine, MachineEvent event) throws SQLException {
        tx.update(
                "INSERT INTO machine_event (machine, id, type, status, source, at, request) "
                        + "VALUES (?, ?, ?, ?, ?, ?, ?)",
                machine.text(),
                event.id().toString(),
                event.type(),
                event.status(),
                event.source(),
                event.at().toEpochMilli(),
                event.request().toString());
        tx.update(
                "DELETE FROM machine_event WHERE machine = ?1 AND seq <= (SELECT seq FROM machine_event "
                        + "WHERE machine = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
                machine.text(),
                EVENTS);
    }

    private static void forgetVersions(Transaction tx, Machine machine) throws SQLException {
        tx.update(
                "DELETE FROM machine_version WHERE machine = ?1 AND version <> ?2 AND version IN (SELECT version FROM "
                        + "(SELECT version, row_number() OVER newest AS place, sum(length(config)) OVER newest AS bytes "
                        + "FROM machine_version WHERE machine = ?1 WINDOW newest AS (ORDER BY version DESC)) "
                        + "WHERE place > ?3 OR (place > ?4 AND bytes > ?5))",
                machine.id().text(),
                machine.version().toString(),
                VERSIONS,
                VERSIONS_LARGE,
                VERSIONS_BYTES);
    }

    /** Bounds the destroyed machines in number and age. */
    private static void forgetGone(Transaction tx, Instant last) throws SQLException {
        List<String> old = tx.list(
                "SELECT id FROM (SELECT id, updated, row_number() OVER (ORDER BY updated DESC) AS place FROM machine "
                        + "WHERE state = 'destroyed') WHERE place > ?1 OR (place > ?2 AND updated < ?3) LIMIT 100",
                row -> row.getString(1),
                GONE,
                GONE_LONG,
                last.minus(GONE_FOR).toEpochMilli());
        for (String id : old) {
            erase(tx, id);
        }
    }

    /** Deletes the rows of a machine whose create was never acknowledged. */
    void erase(MachineId id) {
        database.write(tx -> {
            erase(tx, id.text());
            return 0;
        });
    }

    private static void erase(Transaction tx, String id) throws SQLException {
        tx.update("DELETE FROM machine WHERE id = ?", id);
        tx.update("DELETE FROM machine_version WHERE machine = ?", id);
        tx.update("DELETE FROM machine_event WHERE machine = ?", id);
        tx.update("DELETE FROM machine_lease WHERE machine = ?", id);
    }

    /** A machine's events, the newest first. */
    List<MachineEvent> events(MachineId id, int limit) {
        return events(List.of(id), limit).getFirst();
    }

    /** The same for several machines, in one query. */
    List<List<MachineEvent>> events(List<MachineId> ids, int limit) {
        return database.read(tx -> {
            List<List<MachineEvent>> all = new ArrayList<>(ids.size());
            for (MachineId id : ids) {
                all.add(tx.list(
                        "SELECT id, type, status, source, at, request FROM machine_event WHERE machine = ? "
                                + "ORDER BY seq DESC LIMIT ?",
                        row -> new MachineEvent(
                                MachineJson.version(row.getString(1)),
                                row.getString(2),
                                row.getString(3),
                                row.getString(4),
                                Instant.ofEpochMilli(row.getLong(5)),
                                MachineJson.object(row.getString(6))),
                        id.text(),
                        limit));
            }
            return all;
        });
    }

    /** The event that was recorded last, of any machine. */
    Optional<Ulid> newestEvent() {
        return database.read(tx -> tx.first(
                "SELECT id FROM machine_event ORDER BY seq DESC LIMIT 1",
                row -> MachineJson.version(row.getString(1))));
    }

    /** A machine's versions, the newest first. */
    List<Version> versions(MachineId id) {
        return database.read(tx -> tx.list(
                "SELECT version, config FROM machine_version WHERE machine = ? ORDER BY version DESC LIMIT 100",
                row -> new Version(row.getString(1), MachineJson.config(row.getString(2))),
                id.text()));
    }
}
