package org.allod.trust;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.IdGenerator;
import org.allod.store.Database;
import org.allod.store.Transaction;

/** Builds this room: the host's key, and the tables sealed under it. */
public final class TrustModule {
    private final DataKeys keys;
    private final Secrets secrets;
    private final SecretKeys secretKeys;
    private final Certificates certificates;
    private final AppTokens tokens;
    private final OidcTokens identities;
    private final VolumeKeys volumeKeys;

    private final NameAssignments names;

    private TrustModule(AeadKey hostKey, Database database, TrustedRoots roots, Clock clock, IdGenerator ids) {
        this.keys = new DataKeys(hostKey);
        this.secrets = new Secrets(database, keys, clock);
        this.secretKeys = new SecretKeys(database, keys, clock);
        this.certificates = new Certificates(database, keys, roots, clock);
        this.names = new NameAssignments(database, clock, certificates);
        this.tokens = new AppTokens(database, hostKey, clock, ids);
        this.identities = new OidcTokens(database, hostKey, clock, ids);
        this.volumeKeys = new VolumeKeys(database, hostKey);
    }

    /**
     * Opens the host's key and builds the room.
     *
     * @param database with {@link TrustSchema}
     * @param keyFile the host's key file; created if it does not exist
     * @param forget whether what is sealed under a lost key may be deleted
     * @throws org.allod.base.RejectedException where the key is missing or another: says what to do
     */
    public static TrustModule open(Database database, Path keyFile, boolean forget, Clock clock, IdGenerator ids) {
        return open(database, keyFile, forget, Optional.empty(), clock, ids);
    }

    /** @param roots certificate authorities trusted for host names in addition to Java's, in PEM */
    public static TrustModule open(
            Database database, Path keyFile, boolean forget, Optional<Path> roots, Clock clock, IdGenerator ids) {
        TrustedRoots trusted = TrustedRoots.with(roots);
        return new TrustModule(HostKey.at(keyFile, database, forget), database, trusted, clock, ids);
    }

    /** The host names that the operator has assigned to apps. */
    public NameAssignments names() {
        return names;
    }

    public Secrets secrets() {
        return secrets;
    }

    public SecretKeys secretKeys() {
        return secretKeys;
    }

    public Certificates certificates() {
        return certificates;
    }

    public AppTokens tokens() {
        return tokens;
    }

    public OidcTokens identities() {
        return identities;
    }

    public VolumeKeys volumeKeys() {
        return volumeKeys;
    }

    /** Deletes everything of an app, within the transaction that deletes the app. */
    public void forget(Transaction tx, String app) throws SQLException {
        Secrets.forget(tx, app);
        SecretKeys.forget(tx, app);
        Certificates.forget(tx, app);
        NameAssignments.forget(tx, app);
        AppTokens.forget(tx, app);
        keys.forget(tx, app);
    }

    /** Called once that transaction is durable. */
    public void forgotten(String app) {
        tokens.forgotten(app);
        certificates.forgotten(app);
    }
}
