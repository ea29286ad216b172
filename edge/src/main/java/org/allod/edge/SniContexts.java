package org.allod.edge;

import io.netty.handler.ssl.SniHandler;
import io.netty.handler.ssl.SslContext;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.allod.base.Clock;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the certificate for a client by the requested name: an app's certificate for this exact name, then an app's
 * wildcard certificate, then the edge's own. An expired one is used only if no other of an app's matches, so that the
 * client sees what is wrong. An unusable one is skipped, so that no upload takes a port down.
 */
final class SniContexts {
    private final EdgeCertificates own;
    private final Supplier<CustomHosts> hosts;
    private final String domain;
    private final Clock clock;
    /** The certificates already logged as unusable, so that each is logged once. */
    private final Set<EdgeCertificates.Identity> told =
            Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    SniContexts(EdgeCertificates own, Supplier<CustomHosts> hosts, String domain, Clock clock) {
        this.own = own;
        this.hosts = hosts;
        this.domain = domain;
        this.clock = clock;
    }

    /** Creates the handler for one connection. */
    SniHandler handler() {
        return new SniHandler((host, promise) -> {
            try {
                return promise.setSuccess(context(host));
            } catch (SSLException e) {
                return promise.setFailure(e);
            }
        });
    }

    private SslContext context(@Nullable String asked) throws SSLException {
        String host = asked == null ? "" : asked.toLowerCase(Locale.ROOT);
        for (EdgeCertificates.Identity identity : candidates(host, clock.wall())) {
            try {
                return identity.context();
            } catch (SSLException | RuntimeException e) {
                if (told.add(identity)) {
                    Edge.LOG.log(
                            System.Logger.Level.WARNING,
                            "the certificate of %s cannot be used: %s; the next best is shown instead"
                                    .formatted(host, e.getMessage()));
                }
            }
        }
        throw new SSLException("there is no certificate for " + host);
    }

    /** The matching certificates, best first. */
    List<EdgeCertificates.Identity> candidates(String host, Instant now) {
        // APP.domain belongs to that app: a claim of another app on it is ignored.
        String named = HostName.app(host, domain);
        List<EdgeCertificates.Identity> brought = hosts.get().of(host).stream()
                .filter(claim -> named.isEmpty() || named.equals(claim.app()))
                .flatMap(claim -> claim.identity().stream())
                .toList();
        List<EdgeCertificates.Identity> all = new ArrayList<>(3);
        brought.stream().filter(identity -> identity.validAt(now)).forEach(all::add);
        brought.stream().filter(identity -> !identity.validAt(now)).forEach(all::add);
        own.of(host).ifPresent(all::add);
        return all;
    }
}
