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
 * Which certificate a client is shown, by the name that it asks for: one that an app brought for this very name, one
 * that an app brought for its star, the edge's own. One that has expired is shown only where no other of an app's is
 * there: its client then learns what is wrong. One that cannot be used is passed over, so that no upload takes a port
 * down.
 */
final class SniContexts {
    private final EdgeCertificates own;
    private final Supplier<CustomHosts> hosts;
    private final String domain;
    private final Clock clock;
    /** Those said to be unusable, each once. */
    private final Set<EdgeCertificates.Identity> told =
            Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    SniContexts(EdgeCertificates own, Supplier<CustomHosts> hosts, String domain, Clock clock) {
        this.own = own;
        this.hosts = hosts;
        this.domain = domain;
        this.clock = clock;
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

    /** The best first. */
    List<EdgeCertificates.Identity> candidates(String host, Instant now) {
        // What is said of another app's own name under our domain does not count, whoever says it.
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
