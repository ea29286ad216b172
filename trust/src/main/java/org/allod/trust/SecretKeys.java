package org.allod.trust;

import java.sql.SQLException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;
import org.allod.store.Database;
import org.allod.store.Transaction;
import org.jspecify.annotations.Nullable;

/**
 * Keys that apps use without seeing them: they sign, verify, encrypt and decrypt on this host, and no operation returns
 * them. They share their app's version counter with its secrets.
 */
public final class SecretKeys {
    static final int MAX_COUNT = 100;

    /** Maximum input of one operation; the size of the request body is limited as well. */
    static final int MAX_TEXT = 1 << 20;

    private static final String NAME = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";

    private final Database database;
    private final DataKeys keys;
    private final Clock clock;

    SecretKeys(Database database, DataKeys keys, Clock clock) {
        this.database = database;
        this.keys = keys;
        this.clock = clock;
    }

    /**
     * A key, without its secret part.
     *
     * @param open its public half, if it has one
     */
    public record View(String name, KeyType type, byte[] open, Instant created, Instant updated) {}

    /** A key that was created or replaced, and the resulting version. */
    public record Made(long version, View key) {}

    public long version(String app) {
        return database.read(tx -> keys.version(tx, app));
    }

    public List<View> list(String app) {
        return database.read(tx -> rows(tx, app));
    }

    public View get(String app, String name) {
        List<View> all = list(app);
        return all.stream().filter(k -> k.name().equals(name)).findFirst().orElseThrow(() -> missing(app, name, all));
    }

    /** Stores an uploaded key, replacing one of the same name. */
    public Made bring(String app, String name, KeyType type, byte[] value) {
        return put(app, name, type, KeyOperations.bring(type, value));
    }

    /** Generates a random key, replacing one of the same name. */
    public Made generate(String app, String name, KeyType type) {
        return put(app, name, type, KeyOperations.generate(type));
    }

    private Made put(String app, String name, KeyType type, KeyOperations.Key made) {
        if (!name.matches(NAME)) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "a secret key cannot be called \"%s\"".formatted(name.length() > 80 ? name.substring(0, 80) : name),
                    "a name is up to 128 letters, digits, hyphens, dots and underscores");
        }
        Instant now = clock.wall();
        return database.write(tx -> {
            long version = keys.next(tx, app);
            AeadKey key = keys.make(tx, app);
            byte[] kept = key.seal(made.secret(), binding(app, name, type, made.open(), version));
            tx.update(
                    "INSERT INTO secret_key (app, name, version, type, open, created, updated, sealed) "
                            + "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) ON CONFLICT (app, name) DO UPDATE SET "
                            + "version = ?3, type = ?4, open = ?5, updated = ?6, sealed = ?7",
                    app,
                    name,
                    version,
                    type.wire(),
                    made.open(),
                    now.toEpochMilli(),
                    kept);
            long count = tx.first("SELECT count(*) FROM secret_key WHERE app = ?", row -> row.getLong(1), app)
                    .orElse(0L);
            if (count > MAX_COUNT) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "app %s has %d secret keys, the most it may have".formatted(app, MAX_COUNT),
                        "delete some; nothing was changed");
            }
            View view = rows(tx, app).stream()
                    .filter(k -> k.name().equals(name))
                    .findFirst()
                    .orElseThrow();
            return new Made(version, view);
        });
    }

    /** Deletes a key: what it encrypted is lost. Returns the new version. */
    public long delete(String app, String name) {
        return database.write(tx -> {
            if (tx.update("DELETE FROM secret_key WHERE app = ? AND name = ?", app, name) == 0) {
                throw missing(app, name, rows(tx, app));
            }
            return keys.next(tx, app);
        });
    }

    public byte[] sign(String app, String name, byte[] text) {
        Opened key = open(app, name, text);
        return KeyOperations.sign(key.type, key.key, text);
    }

    /** Whether this key made this signature of this text. */
    public boolean verify(String app, String name, byte[] text, byte[] signature) {
        Opened key = open(app, name, text);
        return KeyOperations.verify(key.type, key.key, text, signature);
    }

    public byte[] encrypt(String app, String name, byte[] plain, byte[] associated) {
        Opened key = open(app, name, plain);
        return KeyOperations.encrypt(key.type, key.key, plain, associated);
    }

    /** Empty if this key did not make it, or made it with other associated data. */
    public Optional<byte[]> decrypt(String app, String name, byte[] ciphertext, byte[] associated) {
        Opened key = open(app, name, ciphertext);
        return KeyOperations.decrypt(key.type, key.key, ciphertext, associated);
    }

    private record Opened(KeyType type, KeyOperations.Key key) {}

    private record Row(long version, String type, byte[] open, byte[] sealed) {}

    private Opened open(String app, String name, byte[] text) {
        if (text.length > MAX_TEXT) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "a text of %d bytes: a key works on up to %d".formatted(text.length, MAX_TEXT));
        }
        return database.read(tx -> {
            List<View> all = rows(tx, app);
            Row row = tx.first(
                            "SELECT version, type, open, sealed FROM secret_key WHERE app = ? AND name = ?",
                            r -> new Row(r.getLong(1), r.getString(2), bytes(r.getBytes(3)), r.getBytes(4)),
                            app,
                            name)
                    .orElseThrow(() -> missing(app, name, all));
            KeyType type = KeyType.parse(row.type);
            byte[] secret = keys.of(tx, app).open(row.sealed, binding(app, name, type, row.open, row.version));
            return new Opened(type, new KeyOperations.Key(secret, row.open));
        });
    }

    static void forget(Transaction tx, String app) throws SQLException {
        tx.update("DELETE FROM secret_key WHERE app = ?", app);
    }

    private static List<View> rows(Transaction tx, String app) throws SQLException {
        return tx.list(
                "SELECT name, type, open, created, updated FROM secret_key WHERE app = ? ORDER BY name",
                row -> new View(
                        row.getString(1),
                        KeyType.parse(row.getString(2)),
                        bytes(row.getBytes(3)),
                        Instant.ofEpochMilli(row.getLong(4)),
                        Instant.ofEpochMilli(row.getLong(5))),
                app);
    }

    /** SQLite's driver returns null for an empty blob. */
    private static byte[] bytes(byte @Nullable [] blob) {
        return blob == null ? new byte[0] : blob;
    }

    private static RejectedException missing(String app, String name, List<View> all) {
        String what = "app %s has no secret key %s".formatted(app, name);
        return DidYouMean.nearest(name, all.stream().map(View::name).toList())
                .map(near -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND, what, "did you mean " + near + "?"))
                .orElseGet(() -> RejectedException.notFound(what));
    }

    /** Type and public half are bound too: a key must not be used in another way, or verify for another key. */
    private static AssociatedData binding(String app, String name, KeyType type, byte[] open, long version) {
        return new AssociatedData(
                "secret key",
                app,
                name + "/" + type.wire() + "/" + HexFormat.of().formatHex(open),
                version);
    }
}
