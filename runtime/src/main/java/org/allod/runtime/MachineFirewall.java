package org.allod.runtime;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.linux.Nft;
import org.allod.linux.NftSets;

/**
 * The machines' packet filter: one nftables table, which affects only packets to or from machines and touches no other
 * table.
 *
 * <p>Machines' devices are matched by their device group, so a new device is filtered from the moment it exists. From a
 * machine: packets with a foreign source address are dropped; nothing reaches the host (except replies to what the host
 * started), another machine, or a denied destination; everything else leaves masqueraded as the host and is counted. To
 * a machine: traffic from the host, and replies. A change of one machine changes only set elements, so it costs the
 * same with ten machines and with ten thousand.
 *
 * <p>Kernel tables that all machines share are protected by limits for each machine: neighbour solicitations only from
 * its own addresses and at a limited rate, a maximum number of open connections, and a maximum rate of new ones. Closed
 * connections expire after seconds instead of minutes if the kernel supports it, because it counts them as open until
 * then. Refused packets are counted for each machine ({@link #refused}).
 */
final class MachineFirewall {
    private final NetworkConfig config;
    private final String name;
    private final NftSets sets;

    MachineFirewall(NetworkConfig config) {
        this.config = config;
        this.name = "allod_" + config.instance();
        this.sets = new NftSets(name);
    }

    /** The device group of this instance, derived from its name so that no other instance on the host uses it. */
    long group() {
        return 0x40000000L | (config.instance().hashCode() & 0x3fffffff);
    }

    /** Replaces the rules in one transaction; sets keep their elements. */
    void ensure(Set<String> guarded) {
        try {
            Nft.apply(script(guarded, true));
        } catch (FailedException e) {
            // This kernel may lack per-rule connection timeouts. If the cause is another one, the second attempt fails
            // too.
            Nft.apply(script(guarded, false));
        }
    }

    String script(Set<String> guarded, boolean timeouts) {
        return TABLE.replace("TIMEOUTS", timeouts ? TIMEOUTS : "")
                        .replace("BRIEFLY", timeouts ? BRIEFLY : "")
                        .replace("FLOWS", Integer.toString(config.flows()))
                        .replace("TABLE", "inet " + name)
                        .replace("GROUP", Long.toString(group()))
                        .replace("GATEWAY6", MachineLink.GATEWAY6)
                        .replace("DENY4", rule("ip daddr", four(config.denied()), "counter drop"))
                        .replace("DENY6", rule("ip6 daddr", six(config.denied()), "counter drop"))
                        .replace(
                                "RESOLVE4",
                                rule(
                                        "meta l4proto { tcp, udp } th dport 53 ip daddr",
                                        four(config.resolvers()),
                                        "goto begin"))
                        .replace(
                                "RESOLVE6",
                                rule(
                                        "meta l4proto { tcp, udp } th dport 53 ip6 daddr",
                                        six(config.resolvers()),
                                        "goto begin"))
                + guardScript(guarded);
    }

    void guard(Set<String> devices) {
        if (!devices.isEmpty()) {
            Nft.apply(guardScript(devices));
        }
    }

    void add(MachineLink link) {
        sets.add(elements(link));
    }

    void remove(MachineLink link) {
        sets.delete(elements(link));
    }

    /** Removes the machine's elements. They are read from the table itself, because no record of them may exist. */
    void remove(MachineId machine) {
        String device = MachineLink.device(machine);
        List<NftSets.Element> found = new ArrayList<>();
        for (String family : List.of("6", "4")) {
            for (NftSets.Element source : sets.list("sources" + family)) {
                if (source.device().equals(device)) {
                    found.add(source);
                    found.add(new NftSets.Element("addresses" + family, "", source.address()));
                }
            }
        }
        sets.list("locals6").stream().filter(e -> e.device().equals(device)).forEach(found::add);
        if (!found.isEmpty()) {
            sets.delete(found);
        }
    }

    /** Removes what the kernel counts of a device that is gone; by itself it would keep that for up to a day. */
    void forgetRates(MachineId machine) {
        String device = MachineLink.device(machine);
        sets.delete(Stream.of("solicited", "begun", "refused")
                .map(set -> new NftSets.Element(set, device, ""))
                .toList());
    }

    /** Packets that would have begun a connection beyond a machine's bound, by its device; none is remembered for ever. */
    Map<String, Long> refused() {
        return sets.counters("refused");
    }

    void removeAll() {
        Nft.removeTable("inet", name);
    }

    private static List<NftSets.Element> elements(MachineLink link) {
        return List.of(
                new NftSets.Element("sources6", link.device(), link.address6()),
                new NftSets.Element("addresses6", "", link.address6()),
                new NftSets.Element("locals6", link.device(), link.linkLocal()),
                new NftSets.Element("sources4", link.device(), link.address4()),
                new NftSets.Element("addresses4", "", link.address4()));
    }

    private String guardScript(Set<String> devices) {
        return devices.isEmpty() ? "" : "add element inet " + name + " guarded { " + quoted(devices) + " }\n";
    }

    private static String quoted(Collection<String> names) {
        return String.join(", ", names.stream().map(n -> "\"" + n + "\"").toList());
    }

    private static String rule(String match, List<String> values, String verdict) {
        return values.isEmpty() ? "" : match + " { " + String.join(", ", values) + " } " + verdict;
    }

    private static List<String> four(List<String> addresses) {
        return addresses.stream().filter(a -> !a.contains(":")).toList();
    }

    private static List<String> six(List<String> addresses) {
        return addresses.stream().filter(a -> a.contains(":")).toList();
    }

    private static final String TABLE = """
            add table TABLE
            add set TABLE sources6 { type ifname . ipv6_addr; }
            add set TABLE sources4 { type ifname . ipv4_addr; }
            add set TABLE locals6 { type ifname . ipv6_addr; }
            add set TABLE addresses6 { type ipv6_addr; }
            add set TABLE addresses4 { type ipv4_addr; }
            add set TABLE guarded { type ifname; }
            add set TABLE solicited { type ifname; size 65535; flags dynamic, timeout; timeout 1m; }
            add set TABLE begun { type ifname; size 65535; flags dynamic, timeout; timeout 1m; }
            add set TABLE open { type ifname; size 65535; flags dynamic; }
            add set TABLE refused { type ifname; size 65535; flags dynamic, timeout; timeout 1d; counter; }
            TIMEOUTS
            add chain TABLE spoofed { type filter hook prerouting priority raw; policy accept; }
            add chain TABLE host { type filter hook input priority filter - 5; policy accept; }
            add chain TABLE through { type filter hook forward priority filter - 5; policy accept; }
            add chain TABLE egress
            add chain TABLE begin
            add chain TABLE refuse
            add chain TABLE neighbours
            add chain TABLE hide { type nat hook postrouting priority srcnat; policy accept; }
            flush chain TABLE spoofed
            flush chain TABLE host
            flush chain TABLE through
            flush chain TABLE egress
            flush chain TABLE begin
            flush chain TABLE refuse
            flush chain TABLE neighbours
            flush chain TABLE hide
            table TABLE {
                chain spoofed {
                    iifgroup != GROUP return
                    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } goto neighbours
                    iifname . ip6 saddr @sources6 return
                    iifname . ip saddr @sources4 return
                    counter drop
                }
                chain neighbours {
                    update @solicited { iifname limit rate over 20/second burst 40 packets } counter drop
                    iifname . ip6 saddr @sources6 return
                    iifname . ip6 saddr @locals6 return
                    counter drop
                }
                chain host {
                    iifgroup != GROUP return
                    ct state established,related accept
                    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept
                    counter drop
                }
                chain through {
                    iifgroup GROUP goto egress
                    oifgroup GROUP ct state established,related accept
                    oifgroup GROUP counter drop
                    iifname @guarded oifname @guarded counter drop
                }
                chain egress {
                    oifgroup GROUP counter drop
                    RESOLVE4
                    RESOLVE6
                    DENY4
                    DENY6
                    goto begin
                }
                chain begin {
                    ct state != new counter accept
                    update @begun { iifname limit rate over 500/second burst 1000 packets } goto refuse
                    add @open { iifname ct count over FLOWS } goto refuse
                    BRIEFLY
                    counter accept
                }
                chain refuse {
                    update @refused { iifname } counter drop
                }
                chain hide {
                    oifgroup GROUP return
                    ip6 saddr @addresses6 masquerade
                    ip saddr @addresses4 masquerade
                }
            }
            """;

    private static final String TIMEOUTS = """
            add ct timeout TABLE over4 { protocol tcp; l3proto ip; policy = { time_wait : 10, close : 5, syn_sent : 20 }; }
            add ct timeout TABLE over6 { protocol tcp; l3proto ip6; policy = { time_wait : 10, close : 5, syn_sent : 20 }; }
            """;

    private static final String BRIEFLY = """
            meta nfproto ipv4 meta l4proto tcp ct timeout set "over4"
            meta nfproto ipv6 meta l4proto tcp ct timeout set "over6"
            """;
}
