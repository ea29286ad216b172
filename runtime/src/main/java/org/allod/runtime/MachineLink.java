package org.allod.runtime;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.linux.LinkRequest;
import org.allod.linux.NetNs;
import org.allod.linux.Rtnetlink;
import org.allod.linux.Sysctl;
import org.allod.linux.TapDevice;

/**
 * One machine's link to the host's network: its addresses, and a pair of virtual Ethernet devices between the host and
 * the machine's network namespace.
 *
 * @param machine the machine
 * @param address6 its private IPv6 address, the same on every host
 * @param address4 its IPv4 address, local to this host; its IPv4 traffic to the Internet is masqueraded
 * @param tap the owner (uid) of a tap device if the guest is a microVM; empty for a sandbox
 */
public record MachineLink(MachineId machine, String address6, String address4, Optional<Integer> tap) {
    /** The host's end has the same addresses on every link: each guest sees one neighbour, its gateway. */
    public static final String GATEWAY6 = "fe80::1";

    public static final String GATEWAY4 = "100.64.0.1";
    public static final String GATEWAY_MAC = "02:a1:10:d0:00:01";

    /** The host's source address towards guests; a global one, because the host may have no other. */
    static final String HOST6 = "fd00:a110:d::1";

    /** Prefix of the host's device; with the 12 varying digits it has the 15 characters that a device name allows. */
    private static final String DEVICE_PREFIX = "ald";

    private static final String NAMESPACE_PREFIX = "allod-";

    /** The device inside the namespace: runsc takes it over, or it is bridged to the tap. */
    static final String INSIDE = "eth0";

    public static final String TAP = "tap0";

    private static final String BRIDGE = "br0";

    public String namespace() {
        return namespace(machine);
    }

    static String namespace(MachineId machine) {
        return NAMESPACE_PREFIX + machine;
    }

    /** The host's device name. */
    public String device() {
        return device(machine);
    }

    static String device(MachineId machine) {
        return DEVICE_PREFIX + machine.text().substring(2);
    }

    /** The machine to which the host's device {@code device} belongs. */
    static Optional<MachineId> machineOf(String device) {
        return device.startsWith(DEVICE_PREFIX)
                ? MachineId.parse("00" + device.substring(DEVICE_PREFIX.length()))
                : Optional.empty();
    }

    /** The guest's MAC address, derived from its id so that the host need not resolve it. */
    public String mac() {
        String digits = machine.text();
        StringBuilder mac = new StringBuilder("02");
        for (int i = 4; i < digits.length(); i += 2) {
            mac.append(':').append(digits, i, i + 2);
        }
        return mac.toString();
    }

    /**
     * The link-local address that the guest's kernel derives from its MAC address; its neighbour solicitations come
     * from there.
     */
    public String linkLocal() {
        String[] part = mac().split(":", -1);
        String first = "%02x".formatted(Integer.parseInt(part[0], 16) ^ 2);
        return "fe80::" + first + part[1] + ":" + part[2] + "ff:fe" + part[3] + ":" + part[4] + part[5];
    }

    boolean present() {
        return NetNs.exists(namespace());
    }

    /**
     * Creates the namespace and the device pair; the host's device is in the group from the start, so that it is never
     * unfiltered.
     */
    void make(Rtnetlink host, long group, String owner) {
        NetNs.make(namespace());
        LinkRequest device = host.pair(
                new Rtnetlink.End(device(), GATEWAY_MAC),
                group,
                new Rtnetlink.End(INSIDE, tap.isPresent() ? bridgeMac() : mac()),
                namespace());
        host.ask(List.of(device.alias(owner)));
    }

    /**
     * Configures the host's side; idempotent. Neighbours are static, so no address is ever announced or checked for
     * duplicates.
     */
    void host(Rtnetlink host) {
        LinkRequest device = host.device(device());
        host.ask(List.of(
                device.plain(),
                device.up(),
                device.address(HOST6, 128),
                device.address(GATEWAY6, 64),
                device.address(GATEWAY4, 32),
                device.route(address6, HOST6),
                device.route(address4, GATEWAY4),
                device.neighbour(address6, mac()),
                device.neighbour(linkLocal(), mac()),
                device.neighbour(address4, mac())));
    }

    /**
     * Disables ARP answers on the host's device, since the host would keep an entry for whoever asks, and both ends
     * have static entries. ({@code IFF_NOARP} is no alternative: it disables neighbour discovery as well, with which a
     * guest that lost its gateway entry recovers it.)
     */
    void withoutArp() {
        Sysctl.write("net/ipv4/conf/" + device() + "/arp_ignore", "8");
    }

    /**
     * Configures the inside before each boot. runsc takes addresses and routes off the device for its own network
     * stack; a microVM's side is bridged to a tap that QEMU's unprivileged user may open.
     */
    void inside(Rtnetlink inside) {
        if (tap.isPresent()) {
            LinkRequest bridge = inside.device(BRIDGE);
            LinkRequest end = inside.device(INSIDE);
            LinkRequest device = inside.device(TAP);
            // Root in the guest may use any number of source addresses and join any number of groups; the bridge must
            // store none of them.
            inside.ask(List.of(
                    bridge.withoutSnooping(),
                    end.withoutLearning(),
                    device.withoutLearning(),
                    bridge.up(),
                    end.up(),
                    device.up()));
        } else {
            direct(inside);
        }
    }

    private void direct(Rtnetlink inside) {
        LinkRequest device = inside.device(INSIDE);
        inside.ask(List.of(
                inside.device("lo").up(),
                device.plain(),
                device.up(),
                device.address(address6, 128),
                device.address(address4, 32),
                device.neighbour(GATEWAY6, GATEWAY_MAC),
                device.neighbour(GATEWAY4, GATEWAY_MAC),
                device.route(GATEWAY4),
                device.defaultRoute(GATEWAY4),
                device.defaultRoute(GATEWAY6)));
    }

    /** Creates the tap once, after the pair; it stays unchanged from boot to boot. */
    void makeTap(int owner) {
        TapDevice.make(namespace(), TAP, owner);
        Rtnetlink.inside(namespace(), inside -> {
            LinkRequest bridge = inside.bridge(BRIDGE);
            LinkRequest end = inside.device(INSIDE);
            LinkRequest device = inside.device(TAP);
            inside.ask(List.of(bridge.plain(), device.plain(), end.plain(), end.portOf(bridge), device.portOf(bridge)));
            return bridge;
        });
    }

    /** Whether the inside has every device it needs, and none for the other kind of guest. */
    boolean isInsideComplete() {
        List<LinkRequest> devices;
        try {
            devices = Rtnetlink.inside(namespace(), Rtnetlink::all);
        } catch (FailedException e) {
            return false; // a crash left a file that is not a namespace
        }
        // A device with a peer index: its other end exists too.
        return named(devices, INSIDE).anyMatch(end -> end.link() != 0)
                && named(devices, TAP).findAny().isPresent() == tap.isPresent()
                && (tap.isEmpty() || isBridged(devices));
    }

    private static boolean isBridged(List<LinkRequest> devices) {
        return named(devices, BRIDGE)
                .anyMatch(bridge -> devices.stream()
                                .filter(device -> device.master() == bridge.index())
                                .count()
                        == 2);
    }

    private static Stream<LinkRequest> named(List<LinkRequest> devices, String name) {
        return devices.stream().filter(device -> device.name().equals(name));
    }

    /** The MAC address of a bridged link's inner device; it must differ from the guest's own. */
    private String bridgeMac() {
        return "06" + mac().substring(2);
    }
}
