package org.allod.api;

import java.util.Map;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.trust.AppTokens;

/**
 * Decides for every endpoint, before it runs, whether the caller may use it. Whatever these rules do not allow is
 * refused, so that a new endpoint without a rule is for the operator only.
 */
final class Authorizer {
    private Authorizer() {}

    static void check(Caller caller, Endpoint endpoint, Map<String, String> parameters) {
        switch (caller) {
            case Caller.Local _ -> {}
            case Caller.Operator _ -> {
                if (endpoint.access() == Endpoint.Access.LOCAL) {
                    throw RejectedException.because(
                            RejectedException.Reason.FORBIDDEN,
                            endpoint.template() + " is answered on the Unix socket only");
                }
            }
            case Caller.OfApp(var token, var _) ->
                ofApp(token, endpoint, Optional.ofNullable(parameters.get("app_name")));
            case Caller.Nobody _ -> {
                if (endpoint.access() != Endpoint.Access.PUBLIC) {
                    throw unauthenticated();
                }
            }
        }
    }

    private static void ofApp(AppTokens.Token token, Endpoint endpoint, Optional<String> app) {
        boolean free = switch (endpoint.access()) {
            case PUBLIC, SHARED -> true;
            case TOKEN -> app.filter(token.app()::equals).isPresent() && inScope(token.scope(), endpoint);
            case OPERATOR, LOCAL -> false;
        };
        if (!free) {
            throw RejectedException.because(
                    RejectedException.Reason.FORBIDDEN,
                    "token %s may not use %s %s: it may %s"
                            .formatted(token.id(), endpoint.method(), endpoint.template(), may(token)),
                    "ask with a token of that app, or with the operator's (`allod auth token` on the host)");
        }
    }

    private static boolean inScope(AppTokens.Scope scope, Endpoint endpoint) {
        return switch (scope) {
            case APP -> true;
            case KEYS -> endpoint.template().startsWith("/v1/apps/{app_name}/secretkeys");
        };
    }

    private static String may(AppTokens.Token token) {
        return switch (token.scope()) {
            case APP -> "do everything in app " + token.app() + " except delete it and create tokens";
            case KEYS -> "use the secret keys of app " + token.app();
        };
    }

    static RejectedException unauthenticated() {
        return RejectedException.because(
                RejectedException.Reason.UNAUTHENTICATED,
                "Authenticate: token validation error",
                "send Authorization: Bearer TOKEN; on the host, `allod auth token` prints it");
    }
}
