package org.allod.api;

import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.List;
import org.allod.base.Clock;
import org.allod.trust.Certificates;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The JSON form of certificates. */
final class CertificateViews {
    private final DnsLookup resolver;
    private final List<String> addresses;
    private final String domain;
    private final Clock clock;

    CertificateViews(DnsLookup resolver, List<String> addresses, String domain, Clock clock) {
        this.resolver = resolver;
        this.addresses = List.copyOf(addresses);
        this.domain = domain;
        this.clock = clock;
    }

    private String status(Certificates.Custom c) {
        return clock.wall().isBefore(c.expires()) ? "active" : "expired";
    }

    ObjectNode summary(Certificates.Custom c) {
        return MachineViews.JSON
                .objectNode()
                .put("hostname", c.host())
                .put("status", status(c))
                .put("configured", status(c).equals("active"))
                .put("has_custom_certificate", true)
                .put("has_fly_certificate", false)
                .put("acme_requested", false)
                .put("acme_alpn_configured", false)
                .put("acme_dns_configured", false)
                .put("acme_http_configured", false)
                .put("ownership_txt_configured", false)
                .put("dns_provider", "")
                .put("created_at", c.created().toString())
                .put("updated_at", c.updated().toString());
    }

    ObjectNode detail(Certificates.Custom c) {
        ObjectNode node =
                head(c).put("status", status(c)).put("configured", status(c).equals("active"));
        node.withArrayProperty("certificates").add(entry(c));
        if (!status(c).equals("active")) {
            wrong(node, "expired", "the certificate ended at " + c.expires(), "bring a new one for the same host name");
        }
        return node;
    }

    /** The response after a certificate was deleted. */
    ObjectNode gone(Certificates.Custom c) {
        return head(c).put("status", "")
                .put("configured", false)
                .put("warning", "no certificate is left for " + c.host() + ": it is not served over TLS");
    }

    /** The certificate with the current state of the name's DNS. */
    ObjectNode checked(Certificates.Custom c) {
        List<String> resolved = c.host().startsWith("*.") ? List.of() : resolver.addresses(c.host());
        boolean here = resolved.stream().anyMatch(addresses::contains);
        ObjectNode node = detail(c);
        ObjectNode records = node.putObject("dns_records");
        ArrayNode v4 = records.putArray("a");
        ArrayNode v6 = records.putArray("aaaa");
        ArrayNode all = records.putArray("resolved_addresses");
        resolved.forEach(address -> {
            (address.contains(":") ? v6 : v4).add(address);
            all.add(address);
        });
        node.withObjectProperty("validation").put("dns_configured", here);
        if (!here && !c.host().startsWith("*.")) {
            wrong(
                    node,
                    "dns",
                    resolved.isEmpty()
                            ? c.host() + " has no address in DNS"
                            : c.host() + " leads to " + String.join(", ", resolved) + ", not to this host",
                    "point it to " + String.join(" or ", addresses));
        }
        return node;
    }

    private ObjectNode head(Certificates.Custom c) {
        ObjectNode node = MachineViews.JSON
                .objectNode()
                .put("hostname", c.host())
                .put("acme_requested", false)
                .put("dns_provider", "");
        node.putArray("certificates");
        ObjectNode wanted = node.putObject("dns_requirements").put("cname", c.app() + "." + domain);
        ArrayNode v4 = wanted.putArray("a");
        ArrayNode v6 = wanted.putArray("aaaa");
        addresses.forEach(address -> (address.contains(":") ? v6 : v4).add(address));
        node.putObject("validation")
                .put("alpn_configured", false)
                .put("dns_configured", false)
                .put("http_configured", false)
                .put("ownership_txt_configured", false);
        node.putArray("validation_errors");
        return node;
    }

    private static ObjectNode entry(Certificates.Custom c) {
        String authority = c.chain().getLast().getIssuerX500Principal().getName();
        ObjectNode entry = MachineViews.JSON
                .objectNode()
                .put("source", "custom")
                .put("status", "active")
                .put("issuer", c.own().getIssuerX500Principal().getName())
                .put("created_at", c.created().toString())
                .put("expires_at", c.expires().toString());
        entry.putArray("issued")
                .addObject()
                .put("type", c.own().getPublicKey() instanceof RSAPublicKey ? "rsa" : "ecdsa")
                .put("certificate_authority", authority)
                .put("expires_at", c.expires().toString());
        return entry;
    }

    private void wrong(ObjectNode node, String code, String message, String remediation) {
        Instant now = clock.wall();
        node.withArrayProperty("validation_errors")
                .addObject()
                .put("code", code)
                .put("message", message)
                .put("remediation", remediation)
                .put("timestamp", now.toString());
    }
}
