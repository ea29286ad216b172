package org.allod.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.trust.AppTokens;

/** Finds out who a caller is from what they show. Quick: it is asked for every request, on the event loop. */
public interface Authenticator {
    /** Tokens of one header that are looked at. */
    int MOST = 16;

    /** Who shows this {@code Authorization} header; nothing where it proves nothing. */
    Optional<Caller> authenticate(String authorization, String address);

    /** The operator's token, or one of an app's. */
    static Authenticator of(OperatorToken operator, AppTokens tokens) {
        return (authorization, address) -> {
            Optional<Caller> found = operator.authenticate(authorization, address);
            for (String token : tokens(authorization)) {
                found = found.or(() -> tokens.find(token).map(t -> new Caller.OfApp(t, address)));
            }
            return found;
        };
    }

    /** The tokens of a header: {@code Bearer X}, or {@code FlyV1 X,…} as clients send that hold several. */
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
