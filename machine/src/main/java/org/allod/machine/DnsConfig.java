package org.allod.machine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.allod.base.RejectedException;

/**
 * A machine's own host name, and the settings of its resolver.
 *
 * @param nameservers addresses that replace the host's name servers
 * @param searches domains that are appended to a short name
 * @param options options of the resolver, such as {@code ndots:2}
 * @param hostname the host name; empty for the machine's id
 * @param fqdn the full name, written to {@code /etc/hosts} beside the short one
 */
public record DnsConfig(
        List<String> nameservers,
        List<String> searches,
        List<String> options,
        Optional<String> hostname,
        Optional<String> fqdn) {
    static final DnsConfig USUAL = new DnsConfig(List.of(), List.of(), List.of(), Optional.empty(), Optional.empty());

    /** The C library reads no more. */
    private static final int MAX_SERVERS = 3;

    private static final int MAX_SEARCHES = 6;
    private static final String LABEL = "[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?";
    private static final String NAME = LABEL + "(\\." + LABEL + ")*\\.?";

    static DnsConfig read(StrictJsonReader in) {
        // Accepted without effect: this version registers no machine in DNS.
        in.bool("skip_registration");
        in.refuse("dns_forward_rules", "there is no resolver of the host's own yet that could forward by name");
        List<String> servers = bounded(in, "nameservers", MAX_SERVERS);
        for (String server : servers) {
            if (!address(server)) {
                throw RejectedException.invalid("%s has \"%s\": a name server is named by its address"
                        .formatted(in.path("nameservers"), server));
            }
        }
        List<String> searches = bounded(in, "searches", MAX_SEARCHES);
        searches.forEach(s -> checkName(in.path("searches"), s, 253));
        List<String> options = new ArrayList<>();
        in.objects("options", o -> {
            String name = o.string("name").orElse("");
            String value = o.string("value").orElse("");
            if (!name.matches("[a-z][a-z0-9-]{0,31}") || !value.matches("[0-9]{0,5}")) {
                throw RejectedException.invalid(
                        "%s is \"%s\" with the value \"%s\": an option is as in resolv.conf, such as ndots with \"2\""
                                .formatted(o.path("name"), name, value));
            }
            options.add(value.isEmpty() ? name : name + ":" + value);
            return name;
        });
        Optional<String> hostname = in.string("hostname").filter(s -> !s.isEmpty());
        hostname.ifPresent(h -> {
            if (h.contains(".")) {
                throw RejectedException.invalid("%s is \"%s\": the short name only; hostname_fqdn has the whole"
                        .formatted(in.path("hostname"), h));
            }
            checkName(in.path("hostname"), h, 63);
        });
        Optional<String> fqdn = in.string("hostname_fqdn").filter(s -> !s.isEmpty());
        fqdn.ifPresent(f -> checkName(in.path("hostname_fqdn"), f, 253));
        in.done();
        return new DnsConfig(
                servers, searches, List.copyOf(options), hostname.or(() -> fqdn.map(DnsConfig::label)), fqdn);
    }

    private static String label(String name) {
        return name.substring(0, name.indexOf('.') < 0 ? name.length() : name.indexOf('.'));
    }

    private static List<String> bounded(StrictJsonReader in, String name, int most) {
        List<String> all = in.strings(name);
        if (all.size() > most) {
            throw RejectedException.invalid(
                    "%s has %d entries: a resolver reads %d".formatted(in.path(name), all.size(), most));
        }
        return all;
    }

    private static void checkName(String path, String name, int longest) {
        if (name.length() > longest || !name.matches(NAME)) {
            throw RejectedException.invalid("%s has \"%s\": that is no host or domain name".formatted(path, name));
        }
    }

    /** Accepts numeric addresses only, so that nothing here asks a resolver. */
    private static boolean address(String text) {
        if (text.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
            return List.of(text.split("\\.", -1)).stream().allMatch(n -> Integer.parseInt(n) < 256);
        }
        if (!text.matches("[0-9a-fA-F:]{2,39}") || !text.contains(":")) {
            return false;
        }
        try {
            return java.net.InetAddress.ofLiteral(text) instanceof java.net.Inet6Address;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
