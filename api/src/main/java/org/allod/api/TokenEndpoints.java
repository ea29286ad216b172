package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;
import static org.allod.api.AppEndpoints.operator;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;
import org.allod.machine.GoDuration;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import org.allod.trust.AppTokens;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for tokens: create, list, revoke, and show what the current one permits. */
public final class TokenEndpoints {
    private final Machines machines;
    private final AppTokens tokens;
    private final Authenticator authenticator;

    public TokenEndpoints(Machines machines, AppTokens tokens, Authenticator authenticator) {
        this.machines = machines;
        this.tokens = tokens;
        this.authenticator = authenticator;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                operator(
                        HttpMethod.POST,
                        "/v1/apps/{app_name}/deploy_token",
                        "App_create_deploy_token",
                        "Make a token that may do everything in this app",
                        List.of(),
                        this::make),
                operator(HttpMethod.GET, "/v1/tokens", "Tokens_list", "List tokens", List.of("app_name"), this::list),
                operator(
                        HttpMethod.DELETE,
                        "/v1/tokens/{token_id}",
                        "Tokens_revoke",
                        "Revoke a token",
                        List.of(),
                        this::revoke),
                shared(HttpMethod.GET, "/v1/tokens/current", "CurrentToken_show", "What this token is", this::current),
                shared(
                        HttpMethod.POST,
                        "/v1/tokens/authenticate",
                        "Tokens_authenticate",
                        "Whether a token is good",
                        this::authenticate),
                shared(
                        HttpMethod.POST,
                        "/v1/tokens/authorize",
                        "Tokens_authorize",
                        "Whether a token may do something",
                        this::authorize),
                endpoint(
                        HttpMethod.POST,
                        "/v1/tokens/kms",
                        "Tokens_request_Kms",
                        "A token of ten minutes for an app's secret keys",
                        List.of("app_name"),
                        Endpoint.Access.SHARED,
                        this::forKeys));
    }

    private static Endpoint shared(
            HttpMethod method, String template, String operation, String summary, Endpoint.Handler handler) {
        return endpoint(method, template, operation, summary, List.of(), Endpoint.Access.SHARED, handler);
    }

    private Response make(ApiRequest request) {
        String app = machines.app(request.parameter("app_name")).name();
        StrictJsonReader in = request.body();
        Optional<String> expiry = in.string("expiry").filter(e -> !e.isEmpty());
        String name = in.string("name").orElse("");
        in.done();
        Optional<Duration> lives = expiry.map(text -> GoDuration.parse(text)
                .orElseThrow(() -> RejectedException.invalid(
                        "expiry is \"%s\": it must be a duration such as 24h".formatted(text))));
        AppTokens.Made made = tokens.make(app, name, lives);
        ObjectNode body = view(made.token());
        if (lives.isEmpty()) {
            body.put("note", "no expiry was asked for: it lives a year");
        }
        return Response.ok(body.put("token", made.text()));
    }

    private Response list(ApiRequest request) {
        Optional<String> app =
                request.query("app_name").map(name -> machines.app(name).name());
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("tokens");
        tokens.list(app).forEach(t -> list.add(view(t)));
        return Response.ok(body);
    }

    private Response revoke(ApiRequest request) {
        return Response.ok(view(tokens.revoke(request.parameter("token_id"))));
    }

    private static ObjectNode view(AppTokens.Token token) {
        return MachineViews.JSON
                .objectNode()
                .put("id", token.id())
                .put("name", token.name())
                .put("app_name", token.app())
                .put("created_at", token.created().toString())
                .put("expires_at", token.expires().toString());
    }

    private Response current(ApiRequest request) {
        ObjectNode body = MachineViews.JSON.objectNode();
        ObjectNode info = body.putArray("tokens").addObject();
        info.put("org_slug", "personal").put("organization", "personal");
        switch (request.caller()) {
            case Caller.OfApp(var token, var _) -> {
                info.put("token_id", token.id());
                info.putArray("apps").add(token.app());
            }
            case Caller.Operator _ -> info.put("token_id", "operator").put("user", "operator");
            case Caller.Local _ ->
                info.put("token_id", "socket").put("user", request.caller().name());
            case Caller.Nobody _ -> throw Authorizer.unauthenticated();
        }
        return Response.ok(body);
    }

    private Response authenticate(ApiRequest request) {
        String header = SecretRequestReader.of(request, List.of("header")).required("header");
        ArrayNode list = MachineViews.JSON.arrayNode();
        list.add(TokenViews.verified(proven(header), header));
        return Response.ok(list);
    }

    private Response authorize(ApiRequest request) {
        SecretRequestReader in = SecretRequestReader.of(request, List.of("header", "access"));
        String header = in.required("header");
        TokenViews.Wanted wanted = TokenViews.Wanted.read(StrictJsonReader.of(in.node("access"), "access"), machines);
        Caller who = proven(header);
        wanted.check(who);
        ObjectNode body = MachineViews.JSON.objectNode();
        body.set("access", wanted.json());
        body.set("verified_token", TokenViews.verified(who, header));
        return Response.ok(body);
    }

    private Caller proven(String header) {
        return authenticator
                .authenticate(header, "")
                .orElseThrow(
                        () -> RejectedException.because(
                                RejectedException.Reason.INVALID,
                                "header: token validation error",
                                "it must be the value of an Authorization header, with a token that is neither expired nor revoked"));
    }

    private Response forKeys(ApiRequest request) {
        String app = switch (request.caller()) {
            case Caller.OfApp(var token, var _) -> {
                request.query("app_name").filter(a -> !a.equals(token.app())).ifPresent(a -> {
                    throw RejectedException.because(
                            RejectedException.Reason.FORBIDDEN,
                            "token %s is for app %s, not for %s".formatted(token.id(), token.app(), a));
                });
                yield token.app();
            }
            default ->
                request.query("app_name")
                        .orElseThrow(() -> RejectedException.because(
                                RejectedException.Reason.INVALID,
                                "app_name is missing: the app whose secret keys the token is for",
                                "ask with ?app_name=APP, or with a token of the app"));
        };
        return new Response.Text(
                200,
                "text/plain",
                machines.within(app, () -> tokens.makeForKeys(app)).text());
    }
}
