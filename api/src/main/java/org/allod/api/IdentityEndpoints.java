package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import java.util.function.Supplier;
import org.allod.base.MachineId;
import org.allod.base.RejectedException;
import org.allod.machine.Machine;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import org.allod.trust.AppTokens;
import org.allod.trust.OidcTokens;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for machine identity: OpenID Connect tokens for external services, and the keys to verify them. */
public final class IdentityEndpoints {
    private static final String BASE = "/v1/oidc";
    private static final String KEYS = BASE + "/.well-known/jwks.json";
    private static final int MAX_AUDIENCE = 1_000;

    private final Machines machines;
    private final OidcTokens identities;
    private final Supplier<String> site;

    /** @param site the URL at which external services reach this API: {@code https://cloud.example.com} */
    public IdentityEndpoints(Machines machines, OidcTokens identities, Supplier<String> site) {
        this.machines = machines;
        this.identities = identities;
        this.site = site;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.POST,
                        "/v1/tokens/oidc",
                        "Tokens_request_OIDC",
                        "A token of ten minutes that proves who a machine is",
                        List.of(),
                        Endpoint.Access.SHARED,
                        this::token),
                endpoint(
                        HttpMethod.GET,
                        BASE + "/.well-known/openid-configuration",
                        "Identity_configuration",
                        "How tokens of machines are checked",
                        List.of(),
                        Endpoint.Access.PUBLIC,
                        request -> Response.ok(configuration())),
                endpoint(
                        HttpMethod.GET,
                        KEYS,
                        "Identity_keys",
                        "The keys that tokens of machines are signed with",
                        List.of(),
                        Endpoint.Access.PUBLIC,
                        request -> Response.ok(identities.keys())));
    }

    private String issuer() {
        return site.get() + BASE;
    }

    private ObjectNode configuration() {
        ObjectNode body = MachineViews.JSON.objectNode().put("issuer", issuer()).put("jwks_uri", site.get() + KEYS);
        body.putArray("id_token_signing_alg_values_supported").add("RS256");
        body.putArray("response_types_supported").add("id_token");
        body.putArray("subject_types_supported").add("public");
        body.putArray("claims_supported")
                .add("aud")
                .add("exp")
                .add("iat")
                .add("iss")
                .add("jti")
                .add("nbf")
                .add("sub");
        return body;
    }

    private Response token(ApiRequest request) {
        StrictJsonReader in = request.body();
        String audience = in.string("aud").filter(a -> !a.isEmpty()).orElseGet(this::issuer);
        if (audience.length() > MAX_AUDIENCE) {
            throw RejectedException.invalid(
                    "aud has %d characters: at most %d".formatted(audience.length(), MAX_AUDIENCE));
        }
        boolean tags = in.bool("aws_principal_tags").orElse(false);
        String id = in.string("machine_id")
                .orElseThrow(() -> RejectedException.because(
                        RejectedException.Reason.INVALID,
                        "machine_id is missing: the machine whose identity the token proves",
                        "name a machine of the token's app"));
        in.done();
        Machine machine = MachineId.parse(id)
                .flatMap(machines::find)
                .filter(m -> mayBe(request.caller(), m))
                .orElseThrow(() ->
                        RejectedException.notFound("there is no machine " + id + " that this token gives access to"));
        ObjectNode claims = claims(machine).put("iss", issuer()).put("aud", audience);
        if (tags) {
            ObjectNode principal =
                    claims.putObject("https://aws.amazon.com/tags").putObject("principal_tags");
            principal.putArray("app_name").add(machine.app());
            principal.putArray("machine_id").add(id);
            principal.putArray("region").add(machine.region());
        }
        return new Response.Text(200, "text/plain", identities.token(claims));
    }

    private static boolean mayBe(Caller caller, Machine machine) {
        return switch (caller) {
            case Caller.OfApp(var token, var _) ->
                token.scope() == AppTokens.Scope.APP && token.app().equals(machine.app());
            case Caller.Local _, Caller.Operator _ -> true;
            case Caller.Nobody _ -> false;
        };
    }

    private static ObjectNode claims(Machine machine) {
        ObjectNode claims = MachineViews.JSON
                .objectNode()
                .put("sub", "personal:%s:%s".formatted(machine.app(), machine.name()))
                .put("org_name", "personal")
                .put("app_name", machine.app())
                .put("machine_id", machine.id().text())
                .put("machine_name", machine.name())
                .put("machine_version", machine.version().toString())
                .put("region", machine.region())
                .put("image", machine.config().image());
        machine.image().ifPresent(i -> claims.put("image_digest", i.digest()));
        return claims;
    }
}
