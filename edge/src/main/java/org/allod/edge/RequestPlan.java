package org.allod.edge;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is done with a request whose head has just been read. Pure; which machine serves it is a separate {@link
 * RoutingDecision}.
 */
sealed interface RequestPlan {
    /** The edge refuses with this response. */
    record Refuse(ErrorResponse answer) implements RequestPlan {}

    /** The client is permanently redirected to another address. */
    record Redirect(String to) implements RequestPlan {
        /**
         * Writes the complete response.
         *
         * @param close whether the connection ends after it
         */
        ByteBuf write(ByteBufAllocator allocator, boolean close, String id) {
            String head = "HTTP/1.1 301 Moved Permanently\r\nlocation: " + to
                    + "\r\ncontent-length: 0\r\nvia: 1.1 allod\r\nfly-request-id: " + id
                    + (close ? "\r\nconnection: close\r\n\r\n" : "\r\n\r\n");
            return ByteBufUtil.writeAscii(allocator, head);
        }
    }

    /**
     * A file of the app's image answers, or a machine if there is no such file.
     *
     * @param paths the candidates, the most likely first
     * @param gzip whether the client accepts it and the app enables it
     */
    record File(CatalogApp app, List<String> paths, ConditionalResponse.Asked asked, boolean gzip)
            implements RequestPlan {}

    /**
     * A machine answers.
     *
     * @param gzip whether the client accepts it and the app enables it
     */
    record Machine(boolean gzip) implements RequestPlan {
        /** Nearly every request takes one of these two plans, so they are allocated once. */
        private static final Machine PLAIN = new Machine(false);

        private static final Machine GZIP = new Machine(true);
    }

    /**
     * @param head the parsed head of the same request, valid only during this call
     * @param route the app's, or null if the catalog has none
     * @param headTook nanoseconds from the first byte of the head to its last
     */
    static RequestPlan of(
            PendingRequest request,
            RequestHead head,
            @Nullable AppRoute route,
            boolean tls,
            long headTook,
            EdgeConfig config) {
        if (request.app.isEmpty()) {
            return new Refuse(unknown(request.host, config.domain()));
        }
        if (route == null) {
            return Machine.PLAIN;
        }
        CatalogApp app = route.app();
        HttpOptions options = app.http();
        if (options.forceHttps() && !tls) {
            return new Redirect("https://" + HostName.bare(request.host) + config.httpsSuffix() + head.path());
        }
        Optional<Duration> most = options.headTime();
        if (most.isPresent() && headTook > most.get().toNanos()) {
            return new Refuse(new ErrorResponse(
                    Problem.REQUEST_TIMEOUT,
                    "the request's head took longer than the " + most.get().toSeconds() + " s that app \"" + request.app
                            + "\" gives it"));
        }
        boolean gzip =
                options.compress() && !request.http10 && Compression.isAccepted(head.headers.text("accept-encoding"));
        if (request.repeatable && !app.statics().places().isEmpty() && head.readsOnly()) {
            List<String> paths = app.statics().candidates(head.path());
            if (!paths.isEmpty()) {
                return new File(app, paths, head.asked(), gzip);
            }
        }
        return gzip ? Machine.GZIP : Machine.PLAIN;
    }

    private static ErrorResponse unknown(String host, String domain) {
        return new ErrorResponse(
                Problem.UNKNOWN_HOST,
                "\"" + HostName.bare(host) + "\" is not the name of an app here",
                "Apps answer at APP." + domain + ", such as http://hello." + domain
                        + ", and at the names they have a certificate for (allod cert add)");
    }
}
