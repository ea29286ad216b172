package org.allod.edge;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The host names that apps have beside {@code APP.domain}: whose each is, and what the edge shows for it over TLS.
 * Immutable: a change is a new one, given to {@link Edge#hosts}.
 *
 * @param claims by host name in lower case; {@code *.} in front stands for one label
 */
public record CustomHosts(Map<String, Claim> claims) {
    public static final CustomHosts NONE = new CustomHosts(Map.of());

    public CustomHosts {
        claims = Map.copyOf(claims);
    }

    /**
     * @param app whose name it is
     * @param identity empty where its certificate cannot be used
     */
    public record Claim(String app, Optional<EdgeCertificates.Identity> identity) {}

    /** The app that this host name leads to, or the empty string. */
    String app(String host) {
        List<Claim> claims = of(host);
        return claims.isEmpty() ? "" : claims.getFirst().app;
    }

    /** Who has claimed it: by this very name first, then by a star. */
    List<Claim> of(String host) {
        if (claims.isEmpty()) {
            return List.of();
        }
        List<Claim> found = new ArrayList<>(2);
        add(found, host);
        int dot = host.indexOf('.');
        if (dot > 0) {
            add(found, "*" + host.substring(dot));
        }
        return found;
    }

    private void add(List<Claim> found, String name) {
        Claim claim = claims.get(name);
        if (claim != null) {
            found.add(claim);
        }
    }
}
