package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;
import static org.allod.api.AppEndpoints.operator;

import io.netty.handler.codec.http.HttpMethod;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.allod.base.Rejected;
import org.allod.machine.Durations;
import org.allod.machine.Fields;
import org.allod.machine.Machines;
import org.allod.trust.AppTokens;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Tokens: made for an app, listed, revoked, and what the one in hand is good for. */
public final class TokenEndpoints {
    private final Machines machines;
    private final AppTokens tokens;
    private final Prover prover;

    public TokenEndpoints(Machines machines, AppTokens tokens, Prover prover) {
        this.machines = machines;
        this.tokens = tokens;
        this.prover = prover;
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

    private Answer make(Call call) {
        String app = machines.app(call.parameter("app_name")).name();
        Fields in = call.body();
        Optional<String> expiry = in.string("expiry").filter(e -> !e.isEmpty());
        String name = in.string("name").orElse("");
        in.done();
        Optional<Duration> lives = expiry.map(text -> Durations.parse(text)
                .orElseThrow(
                        () -> Rejected.invalid("expiry is \"%s\": it must be a duration such as 24h".formatted(text))));
        AppTokens.Made made = tokens.make(app, name, lives);
        ObjectNode body = view(made.token());
        if (lives.isEmpty()) {
            body.put("note", "no expiry was asked for: it lives a year");
        }
        return Answer.ok(body.put("token", made.text()));
    }

    private Answer list(Call call) {
        Optional<String> app =
                call.query("app_name").map(name -> machines.app(name).name());
        ObjectNode body = Views.JSON.objectNode();
        ArrayNode list = body.putArray("tokens");
        tokens.list(app).forEach(t -> list.add(view(t)));
        return Answer.ok(body);
    }

    private Answer revoke(Call call) {
        return Answer.ok(view(tokens.revoke(call.parameter("token_id"))));
    }

    private static ObjectNode view(AppTokens.Token token) {
        return Views.JSON
                .objectNode()
                .put("id", token.id())
                .put("name", token.name())
                .put("app_name", token.app())
                .put("created_at", token.created().toString())
                .put("expires_at", token.expires().toString());
    }

    private Answer current(Call call) {
        ObjectNode body = Views.JSON.objectNode();
        ObjectNode info = body.putArray("tokens").addObject();
        info.put("org_slug", "personal").put("organization", "personal");
        switch (call.caller()) {
            case Caller.OfApp(var token, var _) -> {
                info.put("token_id", token.id());
                info.putArray("apps").add(token.app());
            }
            case Caller.Operator _ -> info.put("token_id", "operator").put("user", "operator");
            case Caller.Local _ ->
                info.put("token_id", "socket").put("user", call.caller().name());
            case Caller.Nobody _ -> throw Rights.unproven();
        }
        return Answer.ok(body);
    }

    private Answer authenticate(Call call) {
        String header = SecretBody.of(call, List.of("header")).required("header");
        ArrayNode list = Views.JSON.arrayNode();
        list.add(TokenFacts.verified(proven(header), header));
        return Answer.ok(list);
    }

    private Answer authorize(Call call) {
        SecretBody in = SecretBody.of(call, List.of("header", "access"));
        String header = in.required("header");
        TokenFacts.Wanted wanted = TokenFacts.Wanted.read(Fields.of(in.node("access"), "access"), machines);
        Caller who = proven(header);
        wanted.check(who);
        ObjectNode body = Views.JSON.objectNode();
        body.set("access", wanted.json());
        body.set("verified_token", TokenFacts.verified(who, header));
        return Answer.ok(body);
    }

    private Caller proven(String header) {
        return prover.prove(header, "")
                .orElseThrow(() -> Rejected.because(
                        Rejected.Reason.INVALID,
                        "header: token validation error",
                        "it must be what an Authorization header carries, and neither expired nor revoked"));
    }

    private Answer forKeys(Call call) {
        String app = switch (call.caller()) {
            case Caller.OfApp(var token, var _) -> {
                call.query("app_name").filter(a -> !a.equals(token.app())).ifPresent(a -> {
                    throw Rejected.because(
                            Rejected.Reason.FORBIDDEN,
                            "token %s is for app %s, not for %s".formatted(token.id(), token.app(), a));
                });
                yield token.app();
            }
            default ->
                call.query("app_name")
                        .orElseThrow(() -> Rejected.because(
                                Rejected.Reason.INVALID,
                                "app_name is missing: the app whose secret keys the token is for",
                                "ask with ?app_name=APP, or with a token of the app"));
        };
        return new Answer.Text(
                200,
                "text/plain",
                machines.within(app, () -> tokens.makeForKeys(app)).text());
    }
}
