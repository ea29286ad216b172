package org.allod.host;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.allod.edge.CustomHosts;
import org.allod.edge.Edge;
import org.allod.trust.Certificates;

/**
 * Keeps the edge's custom host names in step with the apps' certificates. A change is served before the call that made
 * it returns. Each key is decrypted once and stays in memory as long as it is served.
 */
final class CertificatePublisher implements Certificates.Watcher {
    private static final System.Logger LOG = System.getLogger("allod.host");

    private final Certificates certificates;
    private final Edge edge;
    private final Map<String, CustomHosts.Claim> claims = new TreeMap<>();

    CertificatePublisher(Certificates certificates, Edge edge) {
        this.certificates = certificates;
        this.edge = edge;
    }

    /** Publishes the current certificates, and then each change. */
    synchronized void start() {
        certificates.watch(this);
        certificates.owners().forEach((host, app) -> claims.put(host, claim(host, app)));
        edge.hosts(new CustomHosts(claims));
    }

    /** Reads the current record, so that changes may be reported in any order. */
    @Override
    public synchronized void changed(String host) {
        Optional<String> owner = certificates.owner(host);
        if (owner.isPresent()) {
            claims.put(host, claim(host, owner.get()));
        } else {
            claims.remove(host);
        }
        edge.hosts(new CustomHosts(claims));
    }

    @Override
    public synchronized void forgotten(String app) {
        claims.entrySet()
                .removeIf(claim -> claim.getValue().app().equals(app)
                        && certificates.owner(claim.getKey()).isEmpty());
        edge.hosts(new CustomHosts(claims));
    }

    /** A certificate that cannot be used disables TLS for its own host name and nothing else. */
    private CustomHosts.Claim claim(String host, String app) {
        try {
            return new CustomHosts.Claim(app, certificates.pair(host).map(CertificatePublisher::identity));
        } catch (RuntimeException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the certificate of %s (app %s) cannot be read, so the edge's own is shown for it: %s; bring it again with: allod cert add"
                            .formatted(host, app, e.getMessage()));
            return new CustomHosts.Claim(app, Optional.empty());
        }
    }

    private static org.allod.edge.EdgeCertificates.Identity identity(Certificates.Pair pair) {
        try {
            String algorithm = pair.chain().getFirst().getPublicKey().getAlgorithm();
            PrivateKey key = KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pair.key()));
            return new org.allod.edge.EdgeCertificates.Identity(key, pair.chain());
        } catch (GeneralSecurityException e) {
            // Its message may quote the key material.
            throw new IllegalStateException("its key is not one that this Java reads");
        } finally {
            Arrays.fill(pair.key(), (byte) 0);
        }
    }
}
