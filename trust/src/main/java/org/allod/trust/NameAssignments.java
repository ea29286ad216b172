package org.allod.trust;

import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.RejectedException;
import org.allod.store.Database;
import org.allod.store.Transaction;

/**
 * Host names that the operator has assigned to apps: such a name belongs to that app whatever its certificate, and to
 * no other app whatever theirs. Also records which names an app has lost to a better proof, so that it can be told.
 */
public final class NameAssignments {
    /** Maximum losses that are recorded for an app; the oldest is dropped. */
    private static final int MOST_LOSSES = 100;

    private final Database database;
    private final Clock clock;
    private final Certificates certificates;

    NameAssignments(Database database, Clock clock, Certificates certificates) {
        this.database = database;
        this.clock = clock;
        this.certificates = certificates;
    }

    /** A name that another app has proved to be its own. */
    public record Loss(String host, Instant at) {}

    /** Assigns a host name to an app; takes it from an owner without an assignment. */
    public String assign(String app, String hostname) {
        String host = CertificateValidator.host(hostname);
        database.write(tx -> {
            assigned(tx, host).filter(other -> !other.equals(app)).ifPresent(other -> {
                throw taken(host, other);
            });
            Optional<Certificates.Held> held = Certificates.held(tx, host, clock.wall());
            if (held.isPresent() && !held.get().app().equals(app)) {
                if (!HostNameProof.OPERATOR.beats(held.get().proof())) {
                    throw taken(host, held.get().app());
                }
                tx.update("DELETE FROM certificate WHERE host = ?", host);
                lose(tx, held.get().app(), host, clock.wall());
            }
            tx.update("UPDATE certificate SET proof = ? WHERE host = ?", HostNameProof.OPERATOR.code(), host);
            return tx.update(
                    "INSERT INTO host_name (host, app, created) VALUES (?, ?, ?) ON CONFLICT (host) DO NOTHING",
                    host,
                    app,
                    clock.wallMillis());
        });
        certificates.tell(host);
        return host;
    }

    private static RejectedException taken(String host, String app) {
        return RejectedException.because(
                RejectedException.Reason.CONFLICT,
                "host name %s was given to app %s by the operator".formatted(host, app),
                "take it back first: `allod cert disallow %s --app %s`, or delete its certificate there"
                        .formatted(host, app));
    }

    /** Withdraws the assignment. The app's certificate for the name stays, with only the proof that its chain gives. */
    public void withdraw(String app, String hostname) {
        String host = CertificateValidator.host(hostname);
        boolean trusted =
                certificates.list(app).stream().anyMatch(c -> c.host().equals(host) && certificates.trusts(c.chain()));
        int gone = database.write(tx -> {
            tx.update(
                    "UPDATE certificate SET proof = ? WHERE host = ? AND app = ?",
                    (trusted ? HostNameProof.CHAIN : HostNameProof.NONE).code(),
                    host,
                    app);
            return tx.update("DELETE FROM host_name WHERE host = ? AND app = ?", host, app);
        });
        if (gone == 0) {
            throw RejectedException.because(
                    RejectedException.Reason.NOT_FOUND,
                    "host name %s was not given to app %s".formatted(host, app),
                    "`allod cert list --app " + app + "` shows which were");
        }
    }

    /** The names that are assigned to an app. */
    public List<String> list(String app) {
        return database.read(
                tx -> tx.list("SELECT host FROM host_name WHERE app = ? ORDER BY host", row -> row.getString(1), app));
    }

    /** The names that an app has lost to another's proof and has not regained since. */
    public List<Loss> losses(String app) {
        return database.read(tx -> tx.list(
                "SELECT host, at FROM host_loss WHERE app = ? ORDER BY at DESC",
                row -> new Loss(row.getString(1), Instant.ofEpochMilli(row.getLong(2))),
                app));
    }

    static Optional<String> assigned(Transaction tx, String host) throws SQLException {
        return tx.first("SELECT app FROM host_name WHERE host = ?", row -> row.getString(1), host);
    }

    static void lose(Transaction tx, String app, String host, Instant now) throws SQLException {
        tx.update("INSERT OR REPLACE INTO host_loss (app, host, at) VALUES (?, ?, ?)", app, host, now.toEpochMilli());
        tx.update(
                "DELETE FROM host_loss WHERE app = ?1 AND host NOT IN "
                        + "(SELECT host FROM host_loss WHERE app = ?1 ORDER BY at DESC LIMIT ?2)",
                app,
                MOST_LOSSES);
    }

    static void regain(Transaction tx, String app, String host) throws SQLException {
        tx.update("DELETE FROM host_loss WHERE app = ? AND host = ?", app, host);
    }

    static void forget(Transaction tx, String app) throws SQLException {
        tx.update("DELETE FROM host_name WHERE app = ?", app);
        tx.update("DELETE FROM host_loss WHERE app = ?", app);
    }
}
