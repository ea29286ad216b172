package org.allod.trust;

import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.allod.base.Bug;
import org.allod.base.Clock;
import org.allod.base.DidYouMean;
import org.allod.base.RejectedException;
import org.allod.store.Database;
import org.allod.store.Transaction;

/**
 * The certificates of apps' custom host names. A host name belongs to one app. Private keys are sealed, and each is
 * bound to its chain.
 */
public final class Certificates {
    static final int MAX_COUNT = 500;

    private final Database database;
    private final DataKeys keys;
    private final TrustedRoots roots;
    private final Clock clock;
    private volatile Watcher watcher = new Watcher() {};

    Certificates(Database database, DataKeys keys, TrustedRoots roots, Clock clock) {
        this.database = database;
        this.keys = keys;
        this.roots = roots;
        this.clock = clock;
    }

    /** A certificate without its key; the leaf certificate first. */
    public record Custom(String app, String host, List<X509Certificate> chain, Instant created, Instant updated) {
        public X509Certificate own() {
            return chain.getFirst();
        }

        public Instant expires() {
            return own().getNotAfter().toInstant();
        }
    }

    /** The chain, and the key in PKCS #8, for the edge. {@code toString} omits the key. */
    public record Pair(List<X509Certificate> chain, byte[] key) {
        @Override
        public String toString() {
            return "Pair[" + chain.getFirst().getSubjectX500Principal() + "]";
        }
    }

    /** Called after each change is durable, by the thread that made it, before its call returns. */
    public interface Watcher {
        /** The certificate for this host name was added, removed or replaced. */
        default void changed(String host) {}

        /** All certificates of this app were removed. */
        default void forgotten(String app) {}
    }

    /** Sets the watcher, which replaces the previous one. */
    public void watch(Watcher other) {
        watcher = other;
    }

    /** As the operator, whose word proves who owns the host name. */
    public Custom put(String app, String hostname, String fullchain, String privateKey) {
        return put(app, hostname, fullchain, privateKey, false);
    }

    /** The owner of a host name, and how well it has proved that; an expired chain proves nothing. */
    record Held(String app, HostNameProof proof) {}

    static Optional<Held> held(Transaction tx, String host, Instant now) throws SQLException {
        return tx.first(
                "SELECT app, proof, chain FROM certificate WHERE host = ?",
                row -> {
                    HostNameProof proof = HostNameProof.of(row.getInt(2));
                    Instant until =
                            decode(row.getBytes(3)).getFirst().getNotAfter().toInstant();
                    boolean over = proof == HostNameProof.CHAIN && now.isAfter(until);
                    return new Held(row.getString(1), over ? HostNameProof.NONE : proof);
                },
                host);
    }

    boolean trusts(List<X509Certificate> chain) {
        return roots.trusts(chain);
    }

    /** Another component has changed who owns the name. */
    void tell(String host) {
        watcher.changed(host);
    }

    /**
     * Determines how well {@code app} proves that it owns the name; throws if that is not enough.
     *
     * @param shown the proof that its certificate gives
     */
    private static HostNameProof admit(
            Transaction tx, String app, String host, HostNameProof shown, boolean tenant, Instant now)
            throws SQLException {
        Optional<String> assigned = NameAssignments.assigned(tx, host);
        Optional<Held> held = held(tx, host, now);
        boolean given = assigned.filter(app::equals).isPresent()
                || held.filter(h -> h.app().equals(app) && h.proof() == HostNameProof.OPERATOR)
                        .isPresent();
        HostNameProof proof = given ? HostNameProof.OPERATOR : shown;
        Optional<String> rival = assigned.or(
                        () -> held.filter(h -> !proof.beats(h.proof())).map(Held::app))
                .filter(other -> !other.equals(app));
        if (rival.isPresent()) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "hostname %s has a certificate of %s".formatted(host, tenant ? "another app" : "app " + rival.get())
                            + (assigned.isPresent() ? ", to which the operator has given the name" : ""),
                    tenant
                            ? "bring a certificate of a trusted authority, or have the operator give the name to app %s (`allod cert allow`)"
                                    .formatted(app)
                            : "delete it there first");
        }
        if (proof == HostNameProof.NONE) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "fullchain: no authority that is trusted here has signed it, so it does not show that %s is app %s's"
                            .formatted(host, app),
                    "bring one of a trusted authority, or have the operator give the name to the app (`allod cert allow %s --app %s`)"
                            .formatted(host, app));
        }
        if (held.filter(h -> !h.app().equals(app)).isPresent()) {
            tx.update("DELETE FROM certificate WHERE host = ?", host);
            NameAssignments.lose(tx, held.get().app(), host, now);
        }
        NameAssignments.regain(tx, app, host);
        return proof;
    }

    /**
     * Stores a valid certificate in place of the host name's previous one. If another app owns the name, that requires
     * a stronger proof.
     *
     * @param tenant whether the caller has only a token of the app
     */
    public Custom put(String app, String hostname, String fullchain, String privateKey, boolean tenant) {
        String host = CertificateValidator.host(hostname);
        Instant now = clock.wall();
        CertificateValidator.Good good = CertificateValidator.judge(host, fullchain, privateKey, now);
        byte[] chain = encode(good.chain());
        HostNameProof shown = !tenant
                ? HostNameProof.OPERATOR
                : roots.trusts(good.chain()) ? HostNameProof.CHAIN : HostNameProof.NONE;
        Custom kept = database.write(tx -> {
            HostNameProof proof = admit(tx, app, host, shown, tenant, now);
            AeadKey key = keys.make(tx, app);
            tx.update(
                    "INSERT INTO certificate (host, app, chain, created, updated, sealed, proof) "
                            + "VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6) "
                            + "ON CONFLICT (host) DO UPDATE SET chain = ?3, updated = ?4, sealed = ?5, proof = ?6",
                    host,
                    app,
                    chain,
                    now.toEpochMilli(),
                    key.seal(good.key(), binding(app, host, chain)),
                    proof.code());
            long count = tx.first("SELECT count(*) FROM certificate WHERE app = ?", row -> row.getLong(1), app)
                    .orElse(0L);
            if (count > MAX_COUNT) {
                throw RejectedException.because(
                        RejectedException.Reason.UNSUPPORTED,
                        "app %s has %d certificates, the most it may have".formatted(app, MAX_COUNT),
                        "delete some; nothing was changed");
            }
            return tx.first(SELECT + " WHERE host = ?", Certificates::row, host).orElseThrow();
        });
        watcher.changed(host);
        return kept;
    }

    /** Every host name that has a certificate, with its app. */
    public Map<String, String> owners() {
        record Owned(String host, String app) {}
        Map<String, String> owners = new TreeMap<>();
        database.read(tx -> tx.list(
                        "SELECT host, app FROM certificate", row -> new Owned(row.getString(1), row.getString(2))))
                .forEach(owned -> owners.put(owned.host, owned.app));
        return owners;
    }

    /** The app that owns this host name. */
    public Optional<String> owner(String host) {
        return database.read(
                tx -> tx.first("SELECT app FROM certificate WHERE host = ?", row -> row.getString(1), host));
    }

    /** An app's certificates by host name. */
    public List<Custom> list(String app) {
        return database.read(tx -> tx.list(SELECT + " WHERE app = ? ORDER BY host", Certificates::row, app));
    }

    public Custom get(String app, String hostname) {
        String host = hostname.toLowerCase(java.util.Locale.ROOT);
        List<Custom> all = list(app);
        return all.stream().filter(c -> c.host().equals(host)).findFirst().orElseThrow(() -> missing(app, host, all));
    }

    /** Deletes the certificate and its key; returns what it was. */
    public Custom delete(String app, String hostname) {
        Custom found = get(app, hostname);
        if (database.write(tx -> tx.update("DELETE FROM certificate WHERE app = ? AND host = ?", app, found.host()))
                == 0) {
            throw missing(app, found.host(), List.of());
        }
        watcher.changed(found.host());
        return found;
    }

    /** Chain and key for an edge that serves the host name over TLS. */
    public Optional<Pair> pair(String host) {
        record Row(String app, byte[] chain, byte[] sealed) {}
        return database.read(tx -> {
            Optional<Row> row = tx.first(
                    "SELECT app, chain, sealed FROM certificate WHERE host = ?",
                    r -> new Row(r.getString(1), r.getBytes(2), r.getBytes(3)),
                    host);
            if (row.isEmpty()) {
                return Optional.<Pair>empty();
            }
            Row r = row.get();
            byte[] key = keys.of(tx, r.app).open(r.sealed, binding(r.app, host, r.chain));
            return Optional.of(new Pair(decode(r.chain), key));
        });
    }

    static void forget(Transaction tx, String app) throws SQLException {
        tx.update("DELETE FROM certificate WHERE app = ?", app);
    }

    void forgotten(String app) {
        watcher.forgotten(app);
    }

    private static final String SELECT = "SELECT app, host, chain, created, updated FROM certificate";

    private static Custom row(ResultSet row) throws SQLException {
        return new Custom(
                row.getString(1),
                row.getString(2),
                decode(row.getBytes(3)),
                Instant.ofEpochMilli(row.getLong(4)),
                Instant.ofEpochMilli(row.getLong(5)));
    }

    private static RejectedException missing(String app, String host, List<Custom> all) {
        String what = "app %s has no certificate for %s".formatted(app, host);
        return DidYouMean.nearest(host, all.stream().map(Custom::host).toList())
                .map(near -> RejectedException.because(
                        RejectedException.Reason.NOT_FOUND, what, "did you mean " + near + "?"))
                .orElseGet(() -> RejectedException.notFound(what));
    }

    private static AssociatedData binding(String app, String host, byte[] chain) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(chain);
            return new AssociatedData(
                    "certificate", app, host + "/" + HexFormat.of().formatHex(digest), 0);
        } catch (GeneralSecurityException e) {
            throw new Bug("this Java has no SHA-256", e);
        }
    }

    /** Concatenates the certificates; each DER encoding includes its length. */
    private static byte[] encode(List<X509Certificate> chain) {
        java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        try {
            for (X509Certificate one : chain) {
                out.writeBytes(one.getEncoded());
            }
        } catch (CertificateEncodingException e) {
            throw new Bug("a certificate that was read cannot be written", e);
        }
        return out.toByteArray();
    }

    private static List<X509Certificate> decode(byte[] bytes) {
        List<X509Certificate> chain = new ArrayList<>();
        try {
            for (Certificate one :
                    CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(bytes))) {
                chain.add((X509Certificate) one);
            }
            return chain;
        } catch (CertificateException e) {
            throw new Bug("a certificate in host.db is not one", e);
        }
    }
}
