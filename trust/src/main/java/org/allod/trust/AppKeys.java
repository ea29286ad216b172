package org.allod.trust;

import java.sql.SQLException;
import java.util.Optional;
import org.allod.base.Bug;
import org.allod.store.Tx;

/** The data keys of apps, each sealed under the host's key, and the apps' versions. */
final class AppKeys {
    private final SealingKey wrapping;

    AppKeys(SealingKey hostKey) {
        this.wrapping = hostKey.derive("app-keys");
    }

    /** The app's key, if anything was ever sealed for it. */
    Optional<SealingKey> find(Tx tx, String app) throws SQLException {
        return tx.first(
                        "SELECT data_key FROM trust_app WHERE app = ? AND data_key IS NOT NULL",
                        row -> row.getBytes(1),
                        app)
                .map(wrapped -> SealingKey.of(wrapping.open(wrapped, binding(app))));
    }

    /** The app's key where something of it is sealed. */
    SealingKey of(Tx tx, String app) throws SQLException {
        return find(tx, app).orElseThrow(() -> new Bug("app " + app + " has sealed values and no key"));
    }

    /** The app's key, made if there is none. */
    SealingKey make(Tx tx, String app) throws SQLException {
        Optional<SealingKey> found = find(tx, app);
        if (found.isPresent()) {
            return found.get();
        }
        SealingKey fresh = SealingKey.random();
        tx.update(
                "INSERT INTO trust_app (app, version, data_key) VALUES (?1, 0, ?2) "
                        + "ON CONFLICT (app) DO UPDATE SET data_key = excluded.data_key",
                app,
                wrapping.seal(fresh.bytes(), binding(app)));
        return fresh;
    }

    /** Takes the app's next version. */
    long next(Tx tx, String app) throws SQLException {
        tx.update(
                "INSERT INTO trust_app (app, version) VALUES (?, 1) "
                        + "ON CONFLICT (app) DO UPDATE SET version = version + 1",
                app);
        return version(tx, app);
    }

    long version(Tx tx, String app) throws SQLException {
        return tx.first("SELECT version FROM trust_app WHERE app = ?", row -> row.getLong(1), app)
                .orElse(0L);
    }

    /** Without its key, what was sealed for the app is noise wherever a copy of it is left. */
    void forget(Tx tx, String app) throws SQLException {
        tx.update("UPDATE trust_app SET data_key = NULL, version = version + 1 WHERE app = ?", app);
    }

    private static Binding binding(String app) {
        return new Binding("key", app, "", 0);
    }
}
