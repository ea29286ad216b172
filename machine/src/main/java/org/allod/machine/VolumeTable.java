package org.allod.machine;

import java.util.List;
import java.util.Optional;
import org.allod.store.Database;

/** The rows of volumes and their snapshots. Every write is durable when it returns. */
final class VolumeTable {
    /** How many deleted volumes can still be looked up. */
    private static final int GONE = 1_000;

    private final Database database;

    VolumeTable(Database database) {
        this.database = database;
    }

    List<Volume> living() {
        return database.read(tx -> tx.list(
                "SELECT record FROM volume WHERE state <> 'destroyed'", row -> VolumeJson.volume(row.getString(1))));
    }

    Optional<Volume> find(VolumeId id) {
        return database.read(tx -> tx.first(
                "SELECT record FROM volume WHERE id = ?", row -> VolumeJson.volume(row.getString(1)), id.text()));
    }

    /** The volumes deleted lately, newest first. */
    List<Volume> destroyed() {
        return database.read(tx -> tx.list(
                "SELECT record FROM volume WHERE state = 'destroyed' ORDER BY updated DESC LIMIT ?",
                row -> VolumeJson.volume(row.getString(1)),
                GONE));
    }

    void put(Volume volume) {
        database.write(tx -> tx.update(
                "INSERT INTO volume (id, app, state, updated, record) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
                        + "SET state = excluded.state, updated = excluded.updated, record = excluded.record",
                volume.id().text(),
                volume.app(),
                volume.state().wire(),
                volume.updated().toEpochMilli(),
                VolumeJson.write(volume)));
    }

    /** Deletes the row of a volume that was never completed. */
    void erase(VolumeId id) {
        database.write(tx -> tx.update("DELETE FROM volume WHERE id = ?", id.text()));
    }

    /** Deletes all but the newest {@link #GONE} deleted volumes; those with snapshots stay, to be found by them. */
    void forgetOld() {
        database.write(tx -> tx.update(
                "DELETE FROM volume WHERE id IN (SELECT id FROM volume WHERE state = 'destroyed' "
                        + "AND id NOT IN (SELECT volume FROM volume_snapshot) ORDER BY updated DESC LIMIT 100 OFFSET ?)",
                GONE));
    }

    List<VolumeSnapshot> snapshots() {
        return database.read(
                tx -> tx.list("SELECT record FROM volume_snapshot", row -> VolumeJson.snapshot(row.getString(1))));
    }

    void put(VolumeSnapshot snapshot) {
        database.write(tx -> tx.update(
                "INSERT INTO volume_snapshot (id, volume, record) VALUES (?, ?, ?) "
                        + "ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                snapshot.id().text(),
                snapshot.volume().text(),
                VolumeJson.write(snapshot)));
    }

    void erase(SnapshotId id) {
        database.write(tx -> tx.update("DELETE FROM volume_snapshot WHERE id = ?", id.text()));
    }
}
