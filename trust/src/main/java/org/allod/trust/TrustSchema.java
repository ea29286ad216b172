package org.allod.trust;

import java.util.List;
import org.allod.store.Schema;

/** This room's tables in {@code host.db}. */
public final class TrustSchema {
    /** For the component that opens the database. */
    public static final Schema SCHEMA = new Schema(
            "trust",
            List.of(
                    List.of(
                            // The host key that seals everything here: distinguishes a wrong key file from damage.
                            "CREATE TABLE trust_host (id INTEGER PRIMARY KEY CHECK (id = 1), key_id TEXT NOT NULL)",
                            // The row outlives its app, without the key: versions of a name never go back.
                            "CREATE TABLE trust_app (app TEXT PRIMARY KEY, version INTEGER NOT NULL, data_key BLOB) "
                                    + "WITHOUT ROWID",
                            "CREATE TABLE secret (app TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, "
                                    + "digest TEXT NOT NULL, size INTEGER NOT NULL, created INTEGER NOT NULL, "
                                    + "updated INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (app, name)) WITHOUT ROWID"),
                    List.of(
                            "CREATE TABLE token (id TEXT PRIMARY KEY, app TEXT NOT NULL, name TEXT NOT NULL, "
                                    + "hash BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, expires INTEGER NOT NULL) "
                                    + "WITHOUT ROWID",
                            "CREATE INDEX token_of ON token (app)",
                            // What the host itself seals under its key: the key that signs identities.
                            "CREATE TABLE host_secret (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID"),
                    List.of(
                            "CREATE TABLE secret_key (app TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, "
                                    + "type TEXT NOT NULL, open BLOB NOT NULL, created INTEGER NOT NULL, "
                                    + "updated INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (app, name)) WITHOUT ROWID",
                            "CREATE TABLE certificate (host TEXT PRIMARY KEY, app TEXT NOT NULL, chain BLOB NOT NULL, "
                                    + "created INTEGER NOT NULL, updated INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID",
                            "CREATE INDEX certificate_of ON certificate (app)"),
                    List.of(
                            // How well the app has proved that it owns the name (HostNameProof); 0 for rows from before
                            // proofs.
                            "ALTER TABLE certificate ADD COLUMN proof INTEGER NOT NULL DEFAULT 0",
                            "CREATE TABLE host_name (host TEXT PRIMARY KEY, app TEXT NOT NULL, created INTEGER NOT NULL) "
                                    + "WITHOUT ROWID",
                            "CREATE TABLE host_loss (app TEXT NOT NULL, host TEXT NOT NULL, at INTEGER NOT NULL, "
                                    + "PRIMARY KEY (app, host)) WITHOUT ROWID")));

    private TrustSchema() {}
}
