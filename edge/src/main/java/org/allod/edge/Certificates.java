package org.allod.edge;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;

/** Where the edge finds certificates. Called on an event loop: answers from memory. */
public interface Certificates {
    /**
     * @param chain the certificate first, then those that vouch for it
     */
    record Identity(PrivateKey key, List<X509Certificate> chain) {
        public Identity {
            chain = List.copyOf(chain);
        }
    }

    /**
     * Who the edge is for a client that asks for {@code host}. The same object as long as the same certificate is
     * meant.
     *
     * @param host in lower case; empty where the client names none
     */
    Optional<Identity> of(String host);

    /** No certificates: TLS ports refuse every client. */
    Certificates NONE = host -> Optional.empty();
}
