package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;

/** Who sends the requests of one connection, proved on each head, and who of them may send one at all. */
final class Callers implements WholeRequests.Admission {
    private final Dispatcher dispatcher;
    private final Prover prover;
    private final ServingPool pool;
    private final Optional<Caller> local;
    private final String address;

    /** @param local who connected, where the kernel vouches for it */
    Callers(Dispatcher dispatcher, Prover prover, ServingPool pool, Optional<Caller> local, SocketAddress remote) {
        this.dispatcher = dispatcher;
        this.prover = prover;
        this.pool = pool;
        this.local = local;
        this.address =
                remote instanceof InetSocketAddress inet ? inet.getAddress().getHostAddress() : "the Unix socket";
    }

    @Override
    public Caller caller(String authorization) {
        return local.or(() -> prover.prove(authorization, address)).orElseGet(() -> new Caller.Nobody(address));
    }

    @Override
    public Optional<Answer> refusal(Caller caller, HttpMethod method, List<String> segments, boolean body) {
        Optional<Answer> refusal = switch (caller) {
            case Caller.Local(int uid) ->
                uid == 0 || uid == Uid.OWN
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
