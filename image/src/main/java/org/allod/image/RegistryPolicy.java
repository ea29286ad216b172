package org.allod.image;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.allod.base.RejectedException;

/**
 * Where the host may connect when an app's token names a registry: public addresses, and those that the operator lists.
 * Without this a tenant could use the host to scan loopback, private networks and cloud metadata services from inside.
 *
 * <p>It checks the address of each connection and never a name, so it also covers redirects, token services, and names
 * whose address changes between lookups.
 *
 * @param hosts registries by name, with {@code :PORT} where it is not the usual one (443, or 80): what they lead to is allowed
 *     at that port
 * @param ranges addresses that are allowed under any name
 * @param operatorCredentials whether apps pull with the operator's credentials; otherwise only with their own
 */
public record RegistryPolicy(Set<String> hosts, List<AddressRange> ranges, boolean operatorCredentials) {
    /** Public registries, without the operator's credentials. */
    public static final RegistryPolicy USUAL = new RegistryPolicy(Set.of(), List.of(), false);

    /** What a registry without a port in its name is reached at: HTTPS, and HTTP, which redirects there. */
    private static final Set<Integer> USUAL_PORTS = Set.of(443, 80);

    private static final Pattern HOST =
            Pattern.compile("(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\\[[0-9a-f:.]+])(?::[0-9]{1,5})?");

    /**
     * Addresses that no tenant's registry may have: this host, its networks, multicast, documentation and test ranges,
     * and cloud metadata services (169.254.169.254, 168.63.129.16, 192.0.0.192 and 100.100.100.200 are all in these).
     */
    private static final List<AddressRange> SPECIAL_V4 = ranges(
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3");

    /** In IPv6 only global unicast is public, except for ranges that embed IPv4 and for documentation. */
    private static final AddressRange GLOBAL_V6 = AddressRange.parse("2000::/3");

    private static final List<AddressRange> SPECIAL_V6 = ranges("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20");

    public RegistryPolicy {
        hosts = Set.copyOf(hosts);
        ranges = List.copyOf(ranges);
    }

    private static List<AddressRange> ranges(String... texts) {
        return List.of(texts).stream().map(AddressRange::parse).toList();
    }

    /** Parses {@code HOST[:PORT],RANGE,…}; empty allows only public registries. */
    public static RegistryPolicy parse(String text, boolean operatorCredentials) {
        Set<String> hosts = new HashSet<>();
        List<AddressRange> ranges = new ArrayList<>();
        for (String one : text.isBlank() ? new String[0] : text.split(",", -1)) {
            String entry = one.strip().toLowerCase(Locale.ROOT);
            boolean address = entry.indexOf('/') >= 0 || entry.matches("[0-9.]+");
            if (!address && HOST.matcher(entry).matches()) {
                hosts.add(entry.replaceAll("[\\[\\]]", ""));
            } else if (AddressRange.looksLikeOne(entry)) {
                ranges.add(AddressRange.parse(entry));
            } else {
                throw RejectedException.invalid("\"" + UntrustedText.printable(one)
                        + "\" is neither a registry's HOST[:PORT] nor a range of addresses such as 10.1.0.0/16");
            }
        }
        return new RegistryPolicy(hosts, ranges, operatorCredentials);
    }

    /** Whether a tenant's pull may connect to {@code address}, to which {@code host} resolves. */
    boolean allows(String host, int port, InetAddress address) {
        String name = host.toLowerCase(Locale.ROOT);
        return (hosts.contains(name) && USUAL_PORTS.contains(port))
                || hosts.contains(name + ":" + port)
                || ranges.stream().anyMatch(range -> range.contains(address))
                || (isPublic(address) && !isOurs(address));
    }

    static boolean isPublic(InetAddress address) {
        if (address.getAddress().length == 4) {
            return SPECIAL_V4.stream().noneMatch(range -> range.contains(address));
        }
        return GLOBAL_V6.contains(address) && SPECIAL_V6.stream().noneMatch(range -> range.contains(address));
    }

    /**
     * Whether the address is this host's own, even a public one: what listens on it treats this host as a trusted
     * neighbour.
     */
    private static boolean isOurs(InetAddress address) {
        try {
            return NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException e) {
            return true;
        }
    }
}
