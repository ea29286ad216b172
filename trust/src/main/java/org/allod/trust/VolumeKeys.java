package org.allod.trust;

import java.util.Optional;
import java.util.Set;
import org.allod.base.FailedException;
import org.allod.base.Rng;
import org.allod.store.Database;

/**
 * The keys of encrypted volumes, each sealed under the host's key and bound to the volume or snapshot it opens. A key
 * is created with its volume and deleted with it: nobody can then read what is left on disk.
 */
public final class VolumeKeys {
    /** AES-256. */
    private static final int BYTES = 32;

    private final Database database;
    private final AeadKey sealing;

    VolumeKeys(Database database, AeadKey hostKey) {
        this.database = database;
        this.sealing = hostKey.derive("volume-keys");
    }

    /** Creates a key for {@code owner} unless it has one. Durable when it returns. */
    public void make(String owner) {
        byte[] sealed = sealing.seal(Rng.secret(BYTES), binding(owner));
        database.write(
                tx -> tx.update("INSERT OR IGNORE INTO host_secret (name, sealed) VALUES (?, ?)", row(owner), sealed));
    }

    /** Gives {@code with} the key of {@code of}: a copy of an encrypted disk opens with the same key. */
    public void share(String with, String of) {
        byte[] key = key(of).orElseThrow(
                        () -> new FailedException("the key of " + of + " is missing, so it cannot be copied"));
        byte[] sealed = sealing.seal(key, binding(with));
        database.write(
                tx -> tx.update("INSERT OR REPLACE INTO host_secret (name, sealed) VALUES (?, ?)", row(with), sealed));
    }

    public Optional<byte[]> key(String owner) {
        Optional<byte[]> sealed = database.read(
                tx -> tx.first("SELECT sealed FROM host_secret WHERE name = ?", row -> row.getBytes(1), row(owner)));
        return sealed.map(s -> sealing.open(s, binding(owner)));
    }

    public void forget(String owner) {
        database.write(tx -> tx.update("DELETE FROM host_secret WHERE name = ?", row(owner)));
    }

    /** The volumes and snapshots that have keys. */
    public Set<String> owners() {
        return Set.copyOf(database.read(tx -> tx.list(
                "SELECT name FROM host_secret WHERE name GLOB ?",
                row -> row.getString(1).substring(row("").length()),
                row("*"))));
    }

    private static String row(String owner) {
        return "volume-key " + owner;
    }

    private static AssociatedData binding(String owner) {
        return new AssociatedData("volume-key", "", owner, 0);
    }
}
