package org.allod.trust;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.allod.base.Bug;
import org.allod.base.RejectedException;
import org.jspecify.annotations.Nullable;

/**
 * The certificate authorities that are trusted to say who controls a host name: Java's own list, and those the operator
 * adds. Loaded at first use; safe for any thread.
 */
final class TrustedRoots {
    private final Collection<X509Certificate> extra;
    private @Nullable X509TrustManager manager;

    private TrustedRoots(Collection<X509Certificate> extra) {
        this.extra = List.copyOf(extra);
    }

    /** @param file further authorities, in PEM */
    static TrustedRoots with(Optional<Path> file) {
        return new TrustedRoots(file.map(TrustedRoots::read).orElse(List.of()));
    }

    private static List<X509Certificate> read(Path file) {
        try {
            Collection<? extends Certificate> all = CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)));
            if (!all.isEmpty()) {
                return all.stream().map(one -> (X509Certificate) one).toList();
            }
        } catch (IOException | CertificateException e) {
            // Reported below.
        }
        throw RejectedException.because(
                RejectedException.Reason.INVALID,
                "the certificate authorities in " + file + " cannot be read",
                "give a file of certificates in PEM, or leave --app-cert-roots out");
    }

    /** Whether a client with these roots accepts the chain, the leaf certificate first. Revocation is not checked. */
    boolean trusts(List<X509Certificate> chain) {
        try {
            manager().checkServerTrusted(chain.toArray(X509Certificate[]::new), "UNKNOWN");
            return true;
        } catch (CertificateException e) {
            return false;
        }
    }

    private synchronized X509TrustManager manager() {
        if (manager == null) {
            manager = make();
        }
        return manager;
    }

    private X509TrustManager make() {
        try {
            KeyStore all = KeyStore.getInstance(KeyStore.getDefaultType());
            all.load(null, null);
            int count = 0;
            for (X509Certificate root : manager(null).getAcceptedIssuers()) {
                all.setCertificateEntry("java-" + count++, root);
            }
            for (X509Certificate root : extra) {
                all.setCertificateEntry("own-" + count++, root);
            }
            return manager(all);
        } catch (GeneralSecurityException | IOException e) {
            throw new Bug("this Java cannot read its own certificate authorities", e);
        }
    }

    private static X509TrustManager manager(@Nullable KeyStore roots) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(roots);
        return (X509TrustManager) factory.getTrustManagers()[0];
    }
}
