package org.allod.edge;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The custom host names of apps, in addition to {@code APP.domain}: which app owns each, and which certificate the edge
 * presents for it. Immutable: a change is a new object, given to {@link Edge#hosts}.
 *
 * @param claims by host name in lower case; a leading {@code *.} matches one label
 */
public record CustomHosts(Map<String, Claim> claims) {
    public static final CustomHosts NONE = new CustomHosts(Map.of());

    public CustomHosts {
        claims = Map.copyOf(claims);
    }

    /**
     * @param app the owner
     * @param identity empty if its certificate cannot be used
     */
    public record Claim(String app, Optional<EdgeCertificates.Identity> identity) {}

    /** The app that this host name routes to, or the empty string. */
    String app(String host) {
        List<Claim> claims = of(host);
        return claims.isEmpty() ? "" : claims.getFirst().app;
    }

    /** The claims that match this name: the exact name first, then the wildcard. */
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
