package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The machines' access to the network. Addresses in CIDR or plain form, either family.
 *
 * @param instance distinguishes this daemon's machines from those of another daemon on the same host; a few letters and
 *     digits
 * @param denied destinations no guest may reach, in addition to the host itself and other machines, which are always
 *     denied
 * @param resolvers name servers that guests are configured with and may query, even if {@code denied} contains them
 * @param flows maximum open connections of one machine to the outside
 */
public record NetworkConfig(String instance, List<String> denied, List<String> resolvers, int flows) {
    /**
     * The kernel tracks 262,144 connections on a host of 4 GiB and drops everybody's beyond that: 64 machines would
     * have to reach their limit at once. Browsers, crawlers and databases need fewer.
     */
    public static final int FLOWS = 4_096;

    /**
     * Private ranges: the fleet's own links, operators' consoles and other machines are there. Also the addresses at
     * which clouds hand out credentials (AWS, GCP and most others: 169.254.169.254, fd00:ec2::254; Azure:
     * 168.63.129.16; Oracle: 192.0.0.192; Alibaba: 100.100.100.200), and the IPv6 forms in which any of these can be
     * written, so that a translator elsewhere is no way around.
     */
    public static final List<String> PRIVATE = List.of(
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.168.0.0/16",
            "::/96",
            "::ffff:0:0/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "2002::/16",
            "fc00::/7",
            "fe80::/10");

    public NetworkConfig(String instance, List<String> denied, List<String> resolvers) {
        this(instance, denied, resolvers, FLOWS);
    }

    public NetworkConfig {
        if (!instance.matches("[a-z0-9]{1,16}")) {
            throw new IllegalArgumentException("not an instance name (1 to 16 of a-z and 0-9): " + instance);
        }
        denied = List.copyOf(denied);
        resolvers = List.copyOf(resolvers);
    }

    /** Denies everything private; no name servers. */
    public static NetworkConfig closed(String instance) {
        return new NetworkConfig(instance, PRIVATE, List.of());
    }

    /** Denies everything private except the host's own name servers, if a guest can reach them. */
    public static NetworkConfig ofHost(String instance) {
        // systemd-resolved listens on a loopback address and lists the real servers in its own file.
        for (String file : List.of("/run/systemd/resolve/resolv.conf", "/etc/resolv.conf")) {
            try {
                List<String> servers = nameServers(Files.readString(Path.of(file)));
                if (!servers.isEmpty()) {
                    return new NetworkConfig(instance, PRIVATE, servers);
                }
            } catch (IOException e) {
                // No such file: try the next.
            }
        }
        return closed(instance);
    }

    /** The name servers of a {@code resolv.conf} that are not on a loopback or link-local address. */
    static List<String> nameServers(String text) {
        return text.lines()
                .map(line -> line.strip().split("\\s+", -1))
                .filter(words -> words.length > 1 && words[0].equals("nameserver"))
                .map(words -> words[1])
                .filter(address -> address.matches("[0-9a-fA-F:.]+"))
                .filter(address -> !address.startsWith("127.")
                        && !address.equals("::1")
                        && !address.toLowerCase(Locale.ROOT).startsWith("fe80:"))
                .distinct()
                .toList();
    }
}
