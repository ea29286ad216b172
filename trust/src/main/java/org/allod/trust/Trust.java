package org.allod.trust;

import java.nio.file.Path;
import java.sql.SQLException;
import org.allod.base.Clock;
import org.allod.store.Database;
import org.allod.store.Tx;

/** Builds this room by hand: the host's key, and the tables that are sealed under it. */
public final class Trust {
    private final AppKeys keys;
    private final Secrets secrets;

    private Trust(AppKeys keys, Secrets secrets) {
        this.keys = keys;
        this.secrets = secrets;
    }

    /**
     * Opens the room.
     *
     * @param database with {@link TrustSchema}
     * @param keyFile where the host's key is, or is to be made
     * @param forget whether what is sealed under a lost key may be deleted
     * @throws org.allod.base.Rejected where the key is missing or another: says what to do
     */
    public static Trust open(Database database, Path keyFile, boolean forget, Clock clock) {
        AppKeys keys = new AppKeys(HostKey.at(keyFile, database, forget));
        return new Trust(keys, new Secrets(database, keys, clock));
    }

    public Secrets secrets() {
        return secrets;
    }

    /** Everything of an app, gone with it: part of the transaction that deletes the app. */
    public void forget(Tx tx, String app) throws SQLException {
        Secrets.forget(tx, app);
        keys.forget(tx, app);
    }
}
