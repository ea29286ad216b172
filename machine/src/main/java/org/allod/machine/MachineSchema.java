package org.allod.machine;

import java.util.List;
import org.allod.store.Schema;

/** This room's tables in {@code host.db}. */
public final class MachineSchema {
    /** The schema to open the database with. */
    public static final Schema SCHEMA = new Schema(
            "machine",
            List.of(
                    List.of(
                            // A network's number is never used again, even after its app is deleted, so that no address
                            // comes to mean another machine. AUTOINCREMENT ensures that.
                            "CREATE TABLE network (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE)",
                            "CREATE TABLE app (name TEXT PRIMARY KEY, network INTEGER NOT NULL, network_name TEXT NOT NULL, "
                                    + "created INTEGER NOT NULL) WITHOUT ROWID",
                            "CREATE TABLE machine (id TEXT PRIMARY KEY, app TEXT NOT NULL, name TEXT NOT NULL, "
                                    + "state TEXT NOT NULL, updated INTEGER NOT NULL, record TEXT NOT NULL)",
                            "CREATE UNIQUE INDEX machine_name ON machine (app, name) WHERE state <> 'destroyed'",
                            "CREATE INDEX machine_gone ON machine (updated) WHERE state = 'destroyed'",
                            "CREATE TABLE machine_version (machine TEXT NOT NULL, version TEXT NOT NULL, "
                                    + "config TEXT NOT NULL, PRIMARY KEY (machine, version)) WITHOUT ROWID",
                            // Rows are appended, not clustered by machine; see decision 010 on key layout.
                            "CREATE TABLE machine_event (seq INTEGER PRIMARY KEY, machine TEXT NOT NULL, id TEXT NOT NULL, "
                                    + "type TEXT NOT NULL, status TEXT NOT NULL, source TEXT NOT NULL, at INTEGER NOT NULL, "
                                    + "request TEXT NOT NULL)",
                            "CREATE INDEX machine_event_of ON machine_event (machine, seq)"),
                    List.of("CREATE TABLE machine_lease (machine TEXT PRIMARY KEY, term INTEGER NOT NULL, "
                            + "nonce TEXT NOT NULL, owner TEXT NOT NULL, description TEXT NOT NULL, "
                            + "ttl INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID")));

    private MachineSchema() {}
}
