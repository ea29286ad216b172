package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;

/**
 * One operation that a client can request.
 *
 * @param method HTTP method
 * @param template the path, with parameters in braces: {@code /v1/apps/{app_name}}
 * @param operation its name in the OpenAPI description
 * @param summary one line for people
 * @param query the query parameters it accepts; any other is refused
 * @param access who may call it
 * @param handler what it does
 */
public record Endpoint(
        HttpMethod method,
        String template,
        String operation,
        String summary,
        List<String> query,
        Access access,
        Handler handler) {
    public Endpoint {
        query = List.copyOf(query);
    }

    /** Who may call an endpoint. */
    public enum Access {
        /** Anyone, without authentication: data that an external service must read before it can trust this host. */
        PUBLIC,
        /** Anyone with a valid token of any scope. */
        SHARED,
        /** The operator, and holders of a token of the app that the path names. */
        TOKEN,
        /** Only the operator, even if the path names an app. */
        OPERATOR,
        /** Only callers over the Unix socket. */
        LOCAL
    }

    /** Blocking code on a virtual thread; throws {@link org.allod.base.RejectedException} to refuse. */
    public interface Handler {
        Response handle(ApiRequest request) throws Exception;
    }
}
