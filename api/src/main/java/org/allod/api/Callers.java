package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;

/**
 * Authenticates the sender of each request of one connection by its head, and decides whether it may send one at all.
 */
final class Callers implements RequestAggregator.Admission {
    private final Dispatcher dispatcher;
    private final Authenticator authenticator;
    private final ServingPool pool;
    private final Optional<Caller> local;
    private final String address;

    /** @param local the user that connected, if the kernel reports it */
    Callers(
            Dispatcher dispatcher,
            Authenticator authenticator,
            ServingPool pool,
            Optional<Caller> local,
            SocketAddress remote) {
        this.dispatcher = dispatcher;
        this.authenticator = authenticator;
        this.pool = pool;
        this.local = local;
        this.address =
                remote instanceof InetSocketAddress inet ? inet.getAddress().getHostAddress() : "the Unix socket";
    }

    @Override
    public Caller caller(String authorization) {
        return local.or(() -> authenticator.authenticate(authorization, address))
                .orElseGet(() -> new Caller.Nobody(address));
    }

    @Override
    public Optional<Response> refusal(Caller caller, HttpMethod method, List<String> segments, boolean body) {
        Optional<Response> refusal = switch (caller) {
            case Caller.Local(int uid) ->
                uid == 0 || uid == ProcessUid.OWN
                        ? Optional.empty()
                        : Optional.of(ErrorBody.of(
                                403, "user " + uid + " may not use this socket; use the TCP address and a token"));
            case Caller.Nobody nobody -> dispatcher.refusal(nobody, method, segments, body);
            case Caller.Operator _, Caller.OfApp _ -> Optional.empty();
        };
        refusal.ifPresent(refused -> pool.unproven.increment());
        return refusal;
    }

    @Override
    public long now() {
        return pool.now();
    }
}
