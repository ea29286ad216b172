package org.allod.trust;

import java.sql.SQLException;
import java.util.Optional;
import org.allod.base.Bug;
import org.allod.store.Transaction;

/** The data keys of apps, each sealed under the host's key, and the apps' version counters. */
final class DataKeys {
    private final AeadKey wrapping;

    DataKeys(AeadKey hostKey) {
        this.wrapping = hostKey.derive("app-keys");
    }

    /** The app's key; empty if nothing was ever sealed for it. */
    Optional<AeadKey> find(Transaction tx, String app) throws SQLException {
        return tx.first(
                        "SELECT data_key FROM trust_app WHERE app = ? AND data_key IS NOT NULL",
                        row -> row.getBytes(1),
                        app)
                .map(wrapped -> AeadKey.of(wrapping.open(wrapped, binding(app))));
    }

    /** The app's key, which must exist because something is sealed under it. */
    AeadKey of(Transaction tx, String app) throws SQLException {
        return find(tx, app).orElseThrow(() -> new Bug("app " + app + " has sealed values and no key"));
    }

    /** The app's key; created if there is none. */
    AeadKey make(Transaction tx, String app) throws SQLException {
        Optional<AeadKey> found = find(tx, app);
        if (found.isPresent()) {
            return found.get();
        }
        AeadKey fresh = AeadKey.random();
        tx.update(
                "INSERT INTO trust_app (app, version, data_key) VALUES (?1, 0, ?2) "
                        + "ON CONFLICT (app) DO UPDATE SET data_key = excluded.data_key",
                app,
                wrapping.seal(fresh.bytes(), binding(app)));
        return fresh;
    }

    /** Increments the app's version and returns it. */
    long next(Transaction tx, String app) throws SQLException {
        tx.update(
                "INSERT INTO trust_app (app, version) VALUES (?, 1) "
                        + "ON CONFLICT (app) DO UPDATE SET version = version + 1",
                app);
        return version(tx, app);
    }

    long version(Transaction tx, String app) throws SQLException {
        return tx.first("SELECT version FROM trust_app WHERE app = ?", row -> row.getLong(1), app)
                .orElse(0L);
    }

    /** Deletes the app's key: whatever was sealed under it is then unreadable, wherever a copy is left. */
    void forget(Transaction tx, String app) throws SQLException {
        tx.update("UPDATE trust_app SET data_key = NULL, version = version + 1 WHERE app = ?", app);
    }

    private static AssociatedData binding(String app) {
        return new AssociatedData("key", app, "", 0);
    }
}
