package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;

/**
 * One thing a client can ask for.
 *
 * @param method HTTP method
 * @param template the path, with parameters in braces: {@code /v1/apps/{app_name}}
 * @param operation its name in the OpenAPI description
 * @param summary one line for people
 * @param query the query parameters it knows; any other is refused
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

    /** Who may call. */
    public enum Access {
        /** Anybody at all: what a service elsewhere must read before it can trust us. */
        PUBLIC,
        /** Whoever shows a token, whatever it is for. */
        SHARED,
        /** The operator, and who shows a token of the app that the path names. */
        TOKEN,
        /** The operator, even where the path names an app. */
        OPERATOR,
        /** Only who comes by the Unix socket. */
        LOCAL
    }

    /** Blocking code on a virtual thread; refusals are thrown as {@link org.allod.base.RejectedException}. */
    public interface Handler {
        Response handle(ApiRequest request) throws Exception;
    }
}
