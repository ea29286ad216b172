package org.allod.edge;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SniHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** TLS 1.2 and 1.3 as the JDK has them, by the name that a client asks for. HTTP/1.1 is what is spoken inside. */
final class TlsContexts {
    /** Certificates in use at once; old ones are let go when there are more. */
    private static final int MOST = 1_000;

    private final Certificates certificates;
    private final Map<Certificates.Identity, SslContext> contexts = new ConcurrentHashMap<>();

    TlsContexts(Certificates certificates) {
        this.certificates = certificates;
    }

    /** A handler for one connection. */
    SniHandler handler() {
        return new SniHandler((host, promise) -> {
            try {
                return promise.setSuccess(context(host));
            } catch (SSLException e) {
                return promise.setFailure(e);
            }
        });
    }

    private SslContext context(@Nullable String host) throws SSLException {
        Certificates.Identity identity = certificates
                .of(host == null ? "" : host.toLowerCase(Locale.ROOT))
                .orElseThrow(() -> new SSLException("there is no certificate for " + host));
        SslContext known = contexts.get(identity);
        if (known != null) {
            return known;
        }
        if (contexts.size() >= MOST) {
            contexts.clear();
        }
        SslContext made = SslContextBuilder.forServer(identity.key(), identity.chain())
                .sslProvider(SslProvider.JDK)
                .protocols("TLSv1.3", "TLSv1.2")
                .applicationProtocolConfig(new ApplicationProtocolConfig(
                        ApplicationProtocolConfig.Protocol.ALPN,
                        ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                        ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                        ApplicationProtocolNames.HTTP_1_1))
                .build();
        contexts.put(identity, made);
        return made;
    }
}
