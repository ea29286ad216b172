package org.allod.api;

import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.allod.base.FailedException;
import org.allod.base.RejectedException;
import org.allod.fsm.TraceContext;

/** Turns a complete, authenticated request into a response: rate limits, routing, authorization, handler, errors. */
final class Dispatcher {
    private static final System.Logger LOG = System.getLogger("allod.api");

    /** Scheme and authority of an absolute-form request target (RFC 9112, 3.2.2). */
    private static final Pattern WHOLE = Pattern.compile("(?i)https?://[^/?#]*(?=/)");

    private final EndpointTable table;
    private final RateLimits limits;

    Dispatcher(EndpointTable table, RateLimits limits) {
        this.table = table;
        this.limits = limits;
    }

    /**
     * A request copied out of Netty's buffers, so that any thread may use it.
     *
     * @param path decoded, for messages
     * @param segments the path's segments, each decoded separately, so that an encoded slash (%2F) stays within its
     *     segment; empty if the target is not a path
     */
    record Request(
            HttpMethod method,
            String path,
            List<String> segments,
            Map<String, List<String>> query,
            Map<String, String> headers,
            byte[] body,
            boolean keepAlive) {
        private static final byte[] NO_BODY = {};

        /**
         * A request with its head only, without a body yet.
         *
         * @throws RejectedException if the target is not percent-encoded correctly
         */
        static Request of(HttpRequest http) {
            try {
                return decoded(http);
            } catch (IllegalArgumentException e) {
                throw RejectedException.invalid(
                        "the request target is not percent-encoded correctly: " + e.getMessage());
            }
        }

        private static Request decoded(HttpRequest http) {
            QueryStringDecoder uri = new QueryStringDecoder(path(http.uri()));
            Map<String, String> headers = new HashMap<>();
            http.headers().forEach(h -> headers.put(h.getKey().toLowerCase(Locale.ROOT), h.getValue()));
            List<String> segments = uri.rawPath().startsWith("/")
                    ? EndpointTable.segments(uri.rawPath()).stream()
                            .map(segment -> new QueryStringDecoder(segment).path())
                            .toList()
                    : List.of();
            return new Request(
                    http.method(),
                    uri.path(),
                    segments,
                    uri.parameters(),
                    headers,
                    NO_BODY,
                    HttpUtil.isKeepAlive(http));
        }

        /** The same request with its body. */
        Request with(byte[] collected) {
            return new Request(method, path, segments, query, headers, collected, keepAlive);
        }

        /** Strips scheme and authority from an absolute-form target, which a client sends to a proxy. */
        private static String path(String uri) {
            Matcher whole = WHOLE.matcher(uri);
            return whole.lookingAt() ? uri.substring(whole.end()) : uri;
        }
    }

    /**
     * The refusal for an unauthenticated request, decided on its head alone; empty if it is for a public endpoint.
     * Public endpoints take no body.
     *
     * @param segments of the path; empty if the target is not a path
     */
    Optional<Response> refusal(Caller.Nobody nobody, HttpMethod method, List<String> segments, boolean body) {
        boolean open = !body
                && !segments.isEmpty()
                && table.find(method, segments) instanceof EndpointTable.Found.Hit(var endpoint, var _)
                && endpoint.access() == Endpoint.Access.PUBLIC;
        if (open) {
            return Optional.empty();
        }
        return Optional.of(
                limits.take(nobody).map(ErrorBody::later).orElseGet(() -> ErrorBody.of(Authorizer.unauthenticated())));
    }

    /** Handles the request. Every failure becomes a response; only a bug in this method itself can throw. */
    Response answer(Request request, Caller caller, String id) {
        try {
            return handle(request, caller);
        } catch (RejectedException e) {
            return ErrorBody.of(e);
        } catch (FailedException e) {
            LOG.log(Level.WARNING, named(request, id) + ": " + e.getMessage(), e);
            return ErrorBody.of(500, e.getMessage());
        } catch (Exception e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
                return ErrorBody.of(503, "the daemon is stopping");
            }
            LOG.log(Level.ERROR, named(request, id) + " failed with an unexpected error", e);
            return ErrorBody.of(500, "internal error (request " + id + "); see the daemon log");
        }
    }

    /** The trace that the client's headers name; runs started by the request join it. */
    private static Optional<TraceContext> trace(Request request) {
        return TraceContext.parse(
                request.headers().getOrDefault("traceparent", ""),
                request.headers().getOrDefault("tracestate", ""));
    }

    /** Identifies a request in the log: never with its body or response, which may hold secrets. */
    private static String named(Request request, String id) {
        return "request " + id + ", " + request.method() + " " + request.path();
    }

    private Response handle(Request request, Caller caller) throws Exception {
        Optional<Duration> wait = limits.take(caller);
        if (wait.isPresent()) {
            return ErrorBody.later(wait.get());
        }
        EndpointTable.Found found = request.segments().isEmpty()
                ? new EndpointTable.Found.Nothing()
                : table.find(request.method(), request.segments());
        if (caller instanceof Caller.Nobody && !(found instanceof EndpointTable.Found.Hit)) {
            throw Authorizer.unauthenticated(); // an unauthenticated caller must not learn which paths exist
        }
        return switch (found) {
            case EndpointTable.Found.Nothing() ->
                throw RejectedException.because(
                        RejectedException.Reason.NOT_FOUND,
                        "there is nothing at " + request.path(),
                        "the API begins with /v1; GET /v1/openapi.json describes it");
            case EndpointTable.Found.WrongMethod(var allowed) ->
                ErrorBody.notAllowed(request.method().name(), request.path(), allowed);
            case EndpointTable.Found.Hit(var endpoint, var parameters) -> {
                Authorizer.check(caller, endpoint, parameters);
                Optional<Duration> pause = limits.take(caller, endpoint, parameters);
                if (pause.isPresent()) {
                    yield ErrorBody.later(pause.get());
                }
                ApiRequest call =
                        ApiRequest.of(endpoint, caller, parameters, request.query(), request.headers(), request.body());
                yield TraceContext.within(
                        trace(request), () -> endpoint.handler().handle(call));
            }
        };
    }
}
