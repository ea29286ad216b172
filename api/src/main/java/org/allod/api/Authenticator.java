package org.allod.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.trust.AppTokens;

/** Identifies a caller by its credentials. Must be fast, because it runs for every request on the event loop. */
public interface Authenticator {
    /** Maximum tokens of one header that are tried. */
    int MOST = 16;

    /** The caller that this {@code Authorization} header proves; empty if it proves none. */
    Optional<Caller> authenticate(String authorization, String address);

    /** Accepts the operator's token and apps' tokens. */
    static Authenticator of(OperatorToken operator, AppTokens tokens) {
        return (authorization, address) -> {
            Optional<Caller> found = operator.authenticate(authorization, address);
            for (String token : tokens(authorization)) {
                found = found.or(() -> tokens.find(token).map(t -> new Caller.OfApp(t, address)));
            }
            return found;
        };
    }

    /** The tokens of a header: {@code Bearer X}, or {@code FlyV1 X,…} from clients that hold several. */
    static List<String> tokens(String authorization) {
        String given = authorization;
        for (String scheme : new String[] {"Bearer ", "FlyV1 "}) {
            if (given.regionMatches(true, 0, scheme, 0, scheme.length())) {
                given = given.substring(scheme.length());
            }
        }
        List<String> tokens = new ArrayList<>();
        for (String one : given.split(",", MOST)) {
            if (!one.isBlank()) {
                tokens.add(one.strip());
            }
        }
        return tokens;
    }
}
