package org.allod.runtime;

import java.util.List;

/**
 * How machines reach the world. Addresses in CIDR or plain form, either family.
 *
 * @param instance tells this daemon's machines apart from those of another on the same host; a few letters and digits
 * @param denied destinations no guest may reach, besides the host itself and other machines, which none ever may
 * @param resolvers name servers guests are told of and may ask, even where {@code denied} holds them
 */
public record NetworkConfig(String instance, List<String> denied, List<String> resolvers) {
    /**
     * What is private: there the fleet's own links, its operators' consoles and other machines are. Also the
     * addresses by which clouds hand out credentials.
     */
    public static final List<String> PRIVATE = List.of(
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "fc00::/7",
            "fe80::/10");

    public NetworkConfig {
        if (!instance.matches("[a-z0-9]{1,16}")) {
            throw new IllegalArgumentException("not an instance name (1 to 16 of a-z and 0-9): " + instance);
        }
        denied = List.copyOf(denied);
        resolvers = List.copyOf(resolvers);
    }

    /** Everything private denied, no name servers. */
    public static NetworkConfig closed(String instance) {
        return new NetworkConfig(instance, PRIVATE, List.of());
    }
}
