package org.allod.host;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.allod.api.Authenticator;
import org.allod.api.CertificateEndpoints;
import org.allod.api.DnsLookup;
import org.allod.api.Endpoint;
import org.allod.api.IdentityEndpoints;
import org.allod.api.SecretEndpoints;
import org.allod.api.SecretKeyEndpoints;
import org.allod.api.TokenEndpoints;
import org.allod.base.Clock;
import org.allod.machine.AppDeletionListener;
import org.allod.machine.Machines;
import org.allod.machine.SecretSource;
import org.allod.store.Transaction;
import org.allod.trust.Secrets;
import org.allod.trust.TrustModule;

/** Gives the other rooms access to {@code trust}, on which none of them depends. */
record TrustAdapter(TrustModule trust) implements AppDeletionListener, SecretSource {
    /** The maximum wait for a DNS answer. */
    private static final Duration RESOLVE = Duration.ofSeconds(5);

    @Override
    public Values of(String app) {
        Secrets.Revealed all = trust.secrets().reveal(app);
        return new Values(all.version(), all.values());
    }

    @Override
    public void in(Transaction tx, String app) throws SQLException {
        trust.forget(tx, app);
    }

    @Override
    public void after(String app) {
        trust.forgotten(app);
    }

    /**
     * Ties an app's key tokens to the moment of its creation, so that they are not valid for a later app of the same
     * name.
     */
    void endKeyTokensWith(Machines machines) {
        trust.tokens()
                .endWith(app -> machines.findApp(app)
                        .map(a -> OptionalLong.of(a.created().toEpochMilli()))
                        .orElseGet(OptionalLong::empty));
    }

    /** How this host is reached: by external services, and by clients of its apps. */
    record Site(Supplier<String> api, List<String> addresses, String domain) {}

    List<Endpoint> endpoints(Machines machines, Authenticator authenticator, Site site, Clock clock) {
        List<Endpoint> all = new ArrayList<>();
        all.addAll(new SecretEndpoints(machines, trust.secrets()).endpoints());
        all.addAll(new SecretKeyEndpoints(machines, trust.secretKeys()).endpoints());
        all.addAll(new TokenEndpoints(machines, trust.tokens(), authenticator).endpoints());
        all.addAll(new IdentityEndpoints(machines, trust.identities(), site.api()).endpoints());
        all.addAll(new CertificateEndpoints(
                        machines,
                        trust.certificates(),
                        trust.names(),
                        DnsLookup.system(RESOLVE),
                        site.addresses(),
                        site.domain(),
                        clock)
                .endpoints());
        return all;
    }
}
