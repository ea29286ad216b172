package org.allod.api;

import static org.allod.api.AppEndpoints.endpoint;
import static org.allod.api.AppEndpoints.operator;

import io.netty.handler.codec.http.HttpMethod;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.allod.base.Clock;
import org.allod.base.RejectedException;
import org.allod.machine.Machines;
import org.allod.machine.StrictJsonReader;
import org.allod.trust.Certificates;
import org.allod.trust.NameAssignments;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Endpoints for certificates of an app's custom host names. Certificates by ACME will come with the edge's TLS. */
public final class CertificateEndpoints {
    private static final String ALL = "/v1/apps/{app_name}/certificates";
    private static final String ONE = ALL + "/{hostname}";
    private static final String NAMES = "/v1/apps/{app_name}/host_names";
    private static final int USUAL_PAGE = 25;
    private static final int MAX_PAGE = 500;

    private final Machines machines;
    private final Certificates certificates;
    private final NameAssignments names;
    private final CertificateViews view;
    private final String domain;

    /**
     * @param resolver queries public DNS
     * @param addresses the addresses at which this host is reached
     * @param domain what follows an app's name in its own host name
     */
    public CertificateEndpoints(
            Machines machines,
            Certificates certificates,
            NameAssignments names,
            DnsLookup resolver,
            List<String> addresses,
            String domain,
            Clock clock) {
        this.machines = machines;
        this.certificates = certificates;
        this.names = names;
        this.domain = domain;
        this.view = new CertificateViews(resolver, addresses, domain, clock);
    }

    public List<Endpoint> endpoints() {
        return List.of(
                endpoint(
                        HttpMethod.GET,
                        ALL,
                        "App_Certificates_list",
                        "List an app's certificates",
                        List.of("filter", "cursor", "limit"),
                        this::list),
                endpoint(
                        HttpMethod.POST,
                        ALL + "/acme",
                        "App_Certificates_acme_create",
                        "Ask an authority for one (not yet)",
                        List.of(),
                        this::acme),
                endpoint(
                        HttpMethod.POST,
                        ALL + "/custom",
                        "App_Certificates_custom_create",
                        "Bring a certificate",
                        List.of(),
                        this::bring),
                endpoint(
                        HttpMethod.GET,
                        ONE,
                        "App_Certificates_show",
                        "Show a certificate",
                        List.of(),
                        request -> Response.ok(view.detail(find(request)))),
                endpoint(
                        HttpMethod.DELETE,
                        ONE,
                        "App_Certificates_delete",
                        "Delete a certificate",
                        List.of(),
                        request -> {
                            var _ = certificates.delete(app(request), request.parameter("hostname"));
                            return new Response.Empty(204);
                        }),
                endpoint(
                        HttpMethod.DELETE,
                        ONE + "/acme",
                        "App_Certificates_acme_delete",
                        "Give up what was asked of an authority",
                        List.of(),
                        // No ACME certificate was requested, so there is none to cancel, and the existing ones stay.
                        request -> Response.ok(view.detail(find(request)))),
                endpoint(
                        HttpMethod.DELETE,
                        ONE + "/custom",
                        "App_Certificates_custom_delete",
                        "Delete a certificate that was brought",
                        List.of(),
                        request -> Response.ok(
                                view.gone(certificates.delete(app(request), request.parameter("hostname"))))),
                endpoint(
                        HttpMethod.POST,
                        ONE + "/check",
                        "App_Certificates_check",
                        "Look at a certificate and at the name's DNS now",
                        List.of(),
                        request -> Response.ok(view.checked(find(request)))),
                operator(
                        HttpMethod.POST,
                        NAMES,
                        "App_Host_names_allow",
                        "Give a host name to an app",
                        List.of(),
                        this::allow),
                operator(
                        HttpMethod.DELETE,
                        NAMES + "/{hostname}",
                        "App_Host_names_disallow",
                        "Take back a host name that was given to an app",
                        List.of(),
                        this::disallow));
    }

    private String app(ApiRequest request) {
        return machines.app(request.parameter("app_name")).name();
    }

    private Certificates.Custom find(ApiRequest request) {
        return certificates.get(app(request), request.parameter("hostname"));
    }

    private Response list(ApiRequest request) {
        String filter = request.query("filter").orElse("");
        String after = request.query("cursor").orElse("");
        int limit = request.number("limit", 1, MAX_PAGE, USUAL_PAGE);
        List<Certificates.Custom> all = certificates.list(app(request)).stream()
                .filter(c -> c.host().contains(filter))
                .toList();
        List<Certificates.Custom> page = all.stream()
                .filter(c -> c.host().compareTo(after) > 0)
                .limit(limit + 1L)
                .toList();
        ObjectNode body = MachineViews.JSON.objectNode();
        ArrayNode list = body.putArray("certificates");
        page.stream().limit(limit).forEach(c -> list.add(view.summary(c)));
        if (page.size() > limit) {
            body.put("next_cursor", page.get(limit - 1).host());
        }
        ArrayNode given = body.putArray("allowed_hostnames");
        names.list(app(request)).forEach(given::add);
        ArrayNode lost = body.putArray("lost_hostnames");
        names.losses(app(request))
                .forEach(loss -> lost.addObject()
                        .put("hostname", loss.host())
                        .put("at", loss.at().toString())
                        .put("reason", "another app has proved that it owns the name"));
        return Response.ok(body.put("total_count", all.size()));
    }

    private Response allow(ApiRequest request) {
        StrictJsonReader in = request.body();
        String hostname = in.string("hostname").orElseThrow(() -> RejectedException.invalid("hostname is missing"));
        in.done();
        checkNotTaken(app(request), hostname);
        return Response.ok(given(request, names.assign(app(request), hostname)));
    }

    private Response disallow(ApiRequest request) {
        names.withdraw(app(request), request.parameter("hostname"));
        return Response.ok(given(request, request.parameter("hostname")));
    }

    private ObjectNode given(ApiRequest request, String host) {
        return MachineViews.JSON.objectNode().put("hostname", host).put("app_name", app(request));
    }

    private Response acme(ApiRequest request) {
        var _ = app(request);
        SecretRequestReader in = SecretRequestReader.of(request, List.of("hostname"));
        Optional<String> host = in.string("hostname");
        throw RejectedException.because(
                RejectedException.Reason.UNSUPPORTED,
                "no certificate was asked for%s: ACME comes with the edge"
                        .formatted(host.map(h -> " for " + (h.length() > 253 ? h.substring(0, 253) : h))
                                .orElse("")),
                "bring one: POST …/certificates/custom, or `allod cert add`");
    }

    private Response bring(ApiRequest request) {
        SecretRequestReader in = SecretRequestReader.of(request, List.of("hostname", "fullchain", "private_key"));
        String app = app(request);
        checkNotTaken(app, in.required("hostname"));
        Certificates.Custom made = certificates.put(
                app,
                in.required("hostname"),
                in.required("fullchain"),
                in.required("private_key"),
                request.caller().tenant());
        return new Response.Json(201, view.detail(made));
    }

    /** Refuses a name of the form {@code APP.domain} that belongs to another app. */
    private void checkNotTaken(String app, String hostname) {
        // The final dot says that a name is whole; it is the same name.
        String host = hostname.strip().toLowerCase(Locale.ROOT).replaceFirst("\\.$", "");
        int dot = host.indexOf('.');
        if (dot > 0
                && host.substring(dot + 1).equals(domain)
                && !host.substring(0, dot).equals(app)) {
            throw RejectedException.because(
                    RejectedException.Reason.UNSUPPORTED,
                    "hostname is %s: names under %s are the apps' that they begin with".formatted(host, domain),
                    "bring a certificate for %s.%s, or for a name of your own".formatted(app, domain));
        }
    }
}
