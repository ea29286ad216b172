package org.allod.host;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.allod.api.Endpoint;
import org.allod.api.IdentityEndpoints;
import org.allod.api.Prover;
import org.allod.api.SecretEndpoints;
import org.allod.api.TokenEndpoints;
import org.allod.machine.AppEnd;
import org.allod.machine.Machines;
import org.allod.store.Tx;
import org.allod.trust.Trust;

/** What the other rooms see of {@code trust}, which none of them depends on. */
record TrustDoor(Trust trust) implements AppEnd {
    @Override
    public void in(Tx tx, String app) throws SQLException {
        trust.forget(tx, app);
    }

    @Override
    public void after(String app) {
        trust.forgotten(app);
    }

    /**
     * @param site where services elsewhere reach the API
     */
    List<Endpoint> endpoints(Machines machines, Prover prover, Supplier<String> site) {
        List<Endpoint> all = new ArrayList<>();
        all.addAll(new SecretEndpoints(machines, trust.secrets()).endpoints());
        all.addAll(new TokenEndpoints(machines, trust.tokens(), prover).endpoints());
        all.addAll(new IdentityEndpoints(machines, trust.identities(), site).endpoints());
        return all;
    }
}
