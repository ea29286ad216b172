package org.allod.trust;

import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;
import org.allod.store.Database;
import org.allod.store.Transaction;

/**
 * The secrets of apps: values by name, which become environment variables of the app's machines when they boot. Each
 * change is one transaction with one new version, and is durable when the method returns. Safe for any thread.
 */
public final class Secrets {
    /** Maximum bytes of a value: Linux limits one environment variable to 128 KiB, with its name. */
    static final int MAX_VALUE = 64 << 10;

    /**
     * Maximum bytes of an app's secrets together: they go to its guests in one message, with the rest of the
     * environment.
     */
    static final int MAX_TOTAL = 1 << 20;

    static final int MAX_COUNT = 500;

    private static final String NAME = "[A-Za-z_][A-Za-z0-9_]{0,254}";

    private final Database database;
    private final DataKeys keys;
    private final Clock clock;

    Secrets(Database database, DataKeys keys, Clock clock) {
        this.database = database;
        this.keys = keys;
        this.clock = clock;
    }

    /**
     * One secret, without its value.
     *
     * @param digest shows whether two values of this name are the same and nothing else: it is keyed, so values cannot
     *     be guessed from it
     * @param version the app's version that set it
     */
    public record Secret(String name, String digest, long version, Instant created, Instant updated) {}

    /** The result of an update. */
    public record Update(long version, List<Secret> secrets) {}

    /** All values at one version. {@code toString} omits them. */
    public record Revealed(long version, Map<String, String> values) {
        @Override
        public String toString() {
            return "Revealed[version=" + version + ", names=" + values.keySet() + "]";
        }
    }

    /** The version of the app's last change; 0 if there was none. */
    public long version(String app) {
        return database.read(tx -> keys.version(tx, app));
    }

    public List<Secret> list(String app) {
        return database.read(tx -> rows(tx, app));
    }

    public Secret get(String app, String name) {
        List<Secret> all = list(app);
        return all.stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow(() -> missing(app, name, all));
    }

    /** Every value: for a machine that boots, and for callers that may see them. */
    public Revealed reveal(String app) {
        return database.read(tx -> {
            Optional<AeadKey> key = keys.find(tx, app);
            Map<String, String> values = new LinkedHashMap<>();
            if (key.isPresent()) {
                record Row(String name, long version, byte[] sealed) {}
                List<Row> rows = tx.list(
                        "SELECT name, version, sealed FROM secret WHERE app = ? ORDER BY name",
                        row -> new Row(row.getString(1), row.getLong(2), row.getBytes(3)),
                        app);
                for (Row row : rows) {
                    byte[] plain = key.get().open(row.sealed(), binding(app, row.name(), row.version()));
                    values.put(row.name(), new String(plain, StandardCharsets.UTF_8));
                }
            }
            return new Revealed(keys.version(tx, app), values);
        });
    }

    /** Sets the names that have a value and unsets those without one, atomically. */
    public Update update(String app, Map<String, Optional<String>> values) {
        values.forEach(Secrets::check);
        Instant now = clock.wall();
        return database.write(tx -> {
            long version = keys.next(tx, app);
            AeadKey key = keys.make(tx, app);
            List<Secret> set = new ArrayList<>();
            for (var entry : values.entrySet()) {
                if (entry.getValue().isPresent()) {
                    set.add(put(tx, key, app, entry.getKey(), entry.getValue().get(), version, now));
                } else {
                    tx.update("DELETE FROM secret WHERE app = ? AND name = ?", app, entry.getKey());
                }
            }
            checkTotal(tx, app);
            return new Update(version, set);
        });
    }

    private static Secret put(
            Transaction tx, AeadKey key, String app, String name, String value, long version, Instant now)
            throws SQLException {
        byte[] plain = value.getBytes(StandardCharsets.UTF_8);
        byte[] mac = key.derive("digest").mac(name.getBytes(StandardCharsets.UTF_8), plain);
        tx.update(
                "INSERT INTO secret (app, name, version, digest, size, created, updated, sealed) "
                        + "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) ON CONFLICT (app, name) DO UPDATE SET "
                        + "version = ?3, digest = ?4, size = ?5, updated = ?6, sealed = ?7",
                app,
                name,
                version,
                HexFormat.of().formatHex(mac, 0, 8),
                plain.length,
                now.toEpochMilli(),
                key.seal(plain, binding(app, name, version)));
        return tx.first("SELECT " + COLUMNS + " FROM secret WHERE app = ? AND name = ?", Secrets::row, app, name)
                .orElseThrow();
    }

    /** Unsets one secret. Returns the new version. */
    public long delete(String app, String name) {
        return database.write(tx -> {
            if (tx.update("DELETE FROM secret WHERE app = ? AND name = ?", app, name) == 0) {
                throw missing(app, name, rows(tx, app));
            }
            return keys.next(tx, app);
        });
    }

    static void forget(Transaction tx, String app) throws SQLException {
        tx.update("DELETE FROM secret WHERE app = ?", app);
    }

    private static final String COLUMNS = "name, digest, version, created, updated";

    private static List<Secret> rows(Transaction tx, String app) throws SQLException {
        return tx.list("SELECT " + COLUMNS + " FROM secret WHERE app = ? ORDER BY name", Secrets::row, app);
    }

    private static Secret row(ResultSet row) throws SQLException {
        return new Secret(
                row.getString(1),
                row.getString(2),
                row.getLong(3),
                Instant.ofEpochMilli(row.getLong(4)),
                Instant.ofEpochMilli(row.getLong(5)));
    }

    private static void check(String name, Optional<String> value) {
        if (!name.matches(NAME)) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "a secret cannot be called \"%s\"".formatted(name.length() > 80 ? name.substring(0, 80) : name),
                    "a name is up to 255 letters, digits and underscores and does not begin with a digit, since it "
                            + "becomes a variable of the environment");
        }
        int size = value.map(v -> v.getBytes(StandardCharsets.UTF_8).length).orElse(0);
        if (size > MAX_VALUE) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "the value of secret %s is %d bytes: one may have %d".formatted(name, size, MAX_VALUE));
        }
        if (value.filter(v -> !StandardCharsets.UTF_8.newEncoder().canEncode(v)).isPresent()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "the value of secret %s is not text: it contains an unpaired surrogate".formatted(name),
                    "encode it, for example in base64");
        }
        if (value.filter(v -> v.indexOf('\0') >= 0).isPresent()) {
            throw RejectedException.because(
                    RejectedException.Reason.INVALID,
                    "the value of secret %s has a NUL byte, which no environment can hold".formatted(name),
                    "encode it, for example in base64");
        }
    }

    private static void checkTotal(Transaction tx, String app) throws SQLException {
        record Sum(long count, long size) {}
        Sum sum = tx.first(
                        "SELECT count(*), coalesce(sum(size + length(name)), 0) FROM secret WHERE app = ?",
                        row -> new Sum(row.getLong(1), row.getLong(2)),
                        app)
                .orElseThrow();
        if (sum.count > MAX_COUNT || sum.size > MAX_TOTAL) {
            throw RejectedException.because(
                    RejectedException.Reason.TOO_LARGE,
                    "app %s would have %d secrets of %d bytes: the limit is %d secrets of %d bytes together"
                            .formatted(app, sum.count, sum.size, MAX_COUNT, MAX_TOTAL),
                    "unset some; nothing was changed");
        }
    }

    private static RejectedException missing(String app, String name, List<Secret> all) {
        String what = "app %s has no secret %s".formatted(app, name);
        return DidYouMean.nearest(name, all.stream().map(Secret::name).toList())
                .map(near -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND, what, "did you mean " + near + "?"))
                .orElseGet(() -> RejectedException.notFound(what));
    }

    private static AssociatedData binding(String app, String name, long version) {
        return new AssociatedData("secret", app, name, version);
    }
}
