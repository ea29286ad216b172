package org.allod.edge;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** The source of the edge's own certificates. Called on an event loop, so it answers from memory. */
public interface EdgeCertificates {
    /**
     * A certificate and its key. The TLS context (1.2 and 1.3 of the JDK, HTTP/1.1 inside) is built on first use and
     * belongs to this object, so that nothing of a deleted certificate is kept and its sessions are not resumed. {@code
     * toString} omits the key.
     */
    final class Identity {
        private final PrivateKey key;
        private final List<X509Certificate> chain;
        private volatile @Nullable SslContext context;

        /** @param chain the leaf certificate first, then its issuers */
        public Identity(PrivateKey key, List<X509Certificate> chain) {
            this.key = key;
            this.chain = List.copyOf(chain);
        }

        public PrivateKey key() {
            return key;
        }

        public List<X509Certificate> chain() {
            return chain;
        }

        /** Whether every certificate of the chain is valid at this time. */
        boolean validAt(Instant now) {
            return chain.stream()
                    .noneMatch(one -> now.isBefore(one.getNotBefore().toInstant())
                            || now.isAfter(one.getNotAfter().toInstant()));
        }

        /** Two loops may both build it at first use; either result is good. */
        SslContext context() throws SSLException {
            SslContext made = context;
            if (made == null) {
                made = make();
                context = made;
            }
            return made;
        }

        private SslContext make() throws SSLException {
            String algorithm = chain.getFirst().getPublicKey().getAlgorithm();
            if (!algorithm.equals(key.getAlgorithm())) {
                throw new SSLException("its key is " + key.getAlgorithm() + ", and the certificate's is " + algorithm);
            }
            return SslContextBuilder.forServer(key, chain)
                    .sslProvider(SslProvider.JDK)
                    .protocols("TLSv1.3", "TLSv1.2")
                    .applicationProtocolConfig(new ApplicationProtocolConfig(
                            ApplicationProtocolConfig.Protocol.ALPN,
                            ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                            ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                            ApplicationProtocolNames.HTTP_1_1))
                    .build();
        }

        @Override
        public String toString() {
            return "Identity[" + chain.getFirst().getSubjectX500Principal() + "]";
        }
    }

    /**
     * The identity for a client that asks for {@code host}. Returns the same object as long as the same certificate
     * applies.
     *
     * @param host in lower case; empty where the client names none
     */
    Optional<Identity> of(String host);

    /** No certificates: TLS ports refuse every client. */
    EdgeCertificates NONE = host -> Optional.empty();
}
