package org.allod.trust;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.allod.base.DidYouMean;
import org.allod.base.FailedException;
import org.allod.base.IdGenerator;
import org.allod.base.RejectedException;
import org.allod.base.Rng;
import org.allod.store.Database;
import org.allod.store.Transaction;

/**
 * Tokens with rights in one app. A deploy token is 256 random bits, of which only a hash is stored: reading the
 * database does not reveal a usable token. Verification uses memory only.
 *
 * <p>A key token gives access to the app's secret keys for ten minutes. It is not stored: it contains its rights,
 * sealed under the host's key, and the incarnation of its app, so that it is not valid for a later app of the same
 * name.
 */
public final class AppTokens {
    static final String DEPLOY = "allod_app_";
    static final String KEYS = "allod_kms_";

    /** The longest life that the Machines API allows: twenty years. */
    static final Duration LONGEST = Duration.ofDays(7_300);

    /** The default life: long enough for a maintained pipeline, short enough that an expiry is noticed. */
    public static final Duration USUAL = Duration.ofDays(365);

    static final Duration KEYS_LIVE = Duration.ofMinutes(10);
    static final int MAX_TOKENS = 1_000;
    private static final int BYTES = 32;

    private final Database database;
    private final Clock clock;
    private final IdGenerator ids;
    private final AeadKey keyTokens;
    private final Map<String, Token> byHash = new ConcurrentHashMap<>();
    private volatile Apps apps = app -> OptionalLong.of(0);

    AppTokens(Database database, AeadKey hostKey, Clock clock, IdGenerator ids) {
        this.database = database;
        this.clock = clock;
        this.ids = ids;
        this.keyTokens = hostKey.derive("key-tokens");
        database.<List<Map.Entry<String, Token>>>read(tx -> tx.list(
                        "SELECT id, app, name, hash, created, expires FROM token",
                        row -> Map.entry(
                                HexFormat.of().formatHex(row.getBytes(4)),
                                new Token(
                                        row.getString(1),
                                        row.getString(2),
                                        Scope.APP,
                                        row.getString(3),
                                        Instant.ofEpochMilli(row.getLong(5)),
                                        Instant.ofEpochMilli(row.getLong(6))))))
                .forEach(e -> byHash.put(e.getKey(), e.getValue()));
    }

    /** The existing apps. */
    public interface Apps {
        /** A number that differs for every app that ever had this name; empty if there is no such app now. */
        OptionalLong incarnation(String app);
    }

    /** Ties key tokens to the existence of their app. Until this is called, apps count as existing. */
    public void endWith(Apps there) {
        apps = there;
    }

    /** The rights of a token. */
    public enum Scope {
        /** Everything in its app, except deleting it and creating tokens. */
        APP,
        /** Use of the app's secret keys. */
        KEYS
    }

    /**
     * A token, without its secret text.
     *
     * @param name its purpose, as its creator described it
     */
    public record Token(String id, String app, Scope scope, String name, Instant created, Instant expires) {}

    /** A new token: its text is shown this once. {@code toString} omits it. */
    public record Made(Token token, String text) {
        @Override
        public String toString() {
            return "Made[token=" + token + "]";
        }
    }

    /**
     * Creates a deploy token.
     *
     * @param expiry its life; empty for a year
     */
    public Made make(String app, String name, Optional<Duration> expiry) {
        Duration lives = expiry.orElse(USUAL);
        if (!lives.isPositive() || lives.compareTo(LONGEST) > 0) {
            throw RejectedException.invalid(
                    "expiry must be more than nothing and at most %dh".formatted(LONGEST.toHours()));
        }
        if (name.length() > 100 || name.chars().anyMatch(Character::isISOControl)) {
            throw RejectedException.invalid("name must be at most 100 characters, on one line");
        }
        Instant now = Instant.ofEpochMilli(clock.wallMillis());
        clock.believedWall().ifPresent(this::dropExpired);
        Token token = new Token(ids.ulid().toString(), app, Scope.APP, name, now, now.plus(lives));
        String text = DEPLOY + Base64.getUrlEncoder().withoutPadding().encodeToString(Rng.secret(BYTES));
        byte[] hash = hash(text);
        database.write(tx -> {
            long count = tx.first(
                            "SELECT count(*) FROM token WHERE app = ? AND expires > ?",
                            row -> row.getLong(1),
                            app,
                            now.toEpochMilli())
                    .orElse(0L);
            if (count >= MAX_TOKENS) {
                throw RejectedException.because(
                        RejectedException.Reason.CONFLICT,
                        "app %s has %d tokens, the most it may have".formatted(app, count),
                        "revoke some: `allod token list`, `allod token revoke ID`");
            }
            return tx.update(
                    "INSERT INTO token (id, app, name, hash, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
                    token.id(),
                    app,
                    name,
                    hash,
                    now.toEpochMilli(),
                    token.expires().toEpochMilli());
        });
        byHash.put(HexFormat.of().formatHex(hash), token);
        return new Made(token, text);
    }

    private void dropExpired(Instant now) {
        database.write(tx -> tx.update("DELETE FROM token WHERE expires <= ?", now.toEpochMilli()));
        byHash.values().removeIf(t -> !t.expires().isAfter(now));
    }

    /** Creates a token for the app's secret keys. */
    public Made makeForKeys(String app) {
        Instant now = Instant.ofEpochMilli(clock.wallMillis());
        Token token = new Token(ids.ulid().toString(), app, Scope.KEYS, "", now, now.plus(KEYS_LIVE));
        byte[] name = app.getBytes(StandardCharsets.UTF_8);
        long incarnation =
                apps.incarnation(app).orElseThrow(() -> RejectedException.notFound("there is no app " + app));
        byte[] plain = ByteBuffer.allocate(24 + token.id().length() + name.length)
                .putLong(incarnation)
                .putLong(now.toEpochMilli())
                .putLong(token.expires().toEpochMilli())
                .put(token.id().getBytes(StandardCharsets.US_ASCII))
                .put(name)
                .array();
        return new Made(
                token, KEYS + Base64.getUrlEncoder().withoutPadding().encodeToString(keyTokens.seal(plain, KEY_TOKEN)));
    }

    private static final AssociatedData KEY_TOKEN = new AssociatedData("key token", "", "", 0);

    /** Verifies a token's text. Takes the same time for an invalid one. */
    public Optional<Token> find(String text) {
        Optional<Token> token = text.startsWith(KEYS)
                ? opened(text.substring(KEYS.length()))
                : Optional.ofNullable(byHash.get(HexFormat.of().formatHex(hash(text))));
        return token.filter(t -> t.expires().isAfter(clock.wall()));
    }

    private Optional<Token> opened(String text) {
        try {
            ByteBuffer plain =
                    ByteBuffer.wrap(keyTokens.open(Base64.getUrlDecoder().decode(text), KEY_TOKEN));
            long incarnation = plain.getLong();
            Instant created = Instant.ofEpochMilli(plain.getLong());
            Instant expires = Instant.ofEpochMilli(plain.getLong());
            byte[] id = new byte[26];
            plain.get(id);
            String app = StandardCharsets.UTF_8.decode(plain).toString();
            Token token = new Token(new String(id, StandardCharsets.US_ASCII), app, Scope.KEYS, "", created, expires);
            OptionalLong now = apps.incarnation(app);
            return Optional.of(token).filter(t -> now.isPresent() && now.getAsLong() == incarnation);
        } catch (IllegalArgumentException | BufferUnderflowException | FailedException e) {
            return Optional.empty(); // not a token of this host
        }
    }

    /** The valid tokens of one app, or of all apps, oldest first. */
    public List<Token> list(Optional<String> app) {
        Instant now = clock.wall();
        return byHash.values().stream()
                .filter(t -> app.isEmpty() || app.get().equals(t.app()))
                .filter(t -> t.expires().isAfter(now))
                .sorted(Comparator.comparing(Token::id))
                .toList();
    }

    /** Revokes a token, with immediate effect. */
    public Token revoke(String id) {
        Collection<Token> all = byHash.values();
        Token token = all.stream().filter(t -> t.id().equals(id)).findFirst().orElseThrow(() -> {
            String what = "there is no token " + id;
            return DidYouMean.nearest(id, all.stream().map(Token::id).toList())
                    .map(n -> RejectedException.because(
                            RejectedException.Reason.NOT_FOUND, what, "did you mean " + n + "?"))
                    .orElseGet(() -> RejectedException.because(
                            RejectedException.Reason.NOT_FOUND, what, "`allod token list` shows their ids"));
        });
        // Durable first: an acknowledged revocation must survive a crash.
        database.write(tx -> tx.update("DELETE FROM token WHERE id = ?", id));
        byHash.values().removeIf(t -> t.id().equals(id));
        return token;
    }

    static void forget(Transaction tx, String app) throws SQLException {
        tx.update("DELETE FROM token WHERE app = ?", app);
    }

    /** Called after the transaction that deleted the app's tokens. */
    void forgotten(String app) {
        byHash.values().removeIf(t -> t.app().equals(app));
    }

    private static byte[] hash(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new Bug("this Java has no SHA-256", e);
        }
    }
}
