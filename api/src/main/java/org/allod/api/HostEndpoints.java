package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for the host and its health. */
public final class HostEndpoints {
    private final Facts facts;
    private final OperatorToken token;

    /** Supplied by the assembly, which knows every part. */
    public interface Facts {
        ObjectNode status();

        /**
         * What works on this host and what does not. With {@code probe}, boots a guest on every runtime to find out:
         * slow.
         */
        ObjectNode doctor(boolean probe);

        /** From now on, when the daemon ends, it removes everything it has in the kernel except running guests. */
        void clearAtEnd();

        /** All metrics, in Prometheus text format. */
        Response.Text metrics();
    }

    public HostEndpoints(Facts facts, OperatorToken token) {
        this.facts = facts;
        this.token = token;
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        "/v1/host/status",
                        "Host_status",
                        "What this host is doing",
                        List.of(),
                        request -> Response.ok(facts.status())),
                endpoint(
                        HttpMethod.GET,
                        "/v1/host/doctor",
                        "Host_doctor",
                        "What works on this host and what does not",
                        List.of("probe"),
                        request -> Response.ok(facts.doctor(request.flag("probe")))),
                endpoint(
                        HttpMethod.GET,
                        "/metrics",
                        "Host_metrics",
                        "Counts and levels for Prometheus",
                        List.of(),
                        request -> facts.metrics()),
                endpoint(
                        HttpMethod.POST,
                        "/v1/host/clear-at-end",
                        "Host_clear_at_end",
                        "Have the daemon leave nothing in the kernel when it ends, but guests that run",
                        List.of(),
                        request -> {
                            facts.clearAtEnd();
                            return Response.ok(MachineViews.JSON.objectNode().put("ok", true));
                        }),
                new Endpoint(
                        HttpMethod.GET,
                        "/v1/host/token",
                        "Host_token",
                        "The operator's token",
                        List.of(),
                        Endpoint.Access.LOCAL,
                        request -> Response.ok(MachineViews.JSON.objectNode().put("token", token.reveal()))));
    }
}
