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
 * Everything there is to know of one machine's place in the network of this host: a pair of virtual Ethernet devices
 * between the host and a namespace of the machine's own.
 *
 * @param machine whose
 * @param address6 its private address, the same on every host
 * @param address4 an address of this host alone, behind which it reaches the old Internet
 * @param tap the owner (uid) of a tap device, where the guest is a microVM; empty where it is a sandbox
 */
public record MachineLink(MachineId machine, String address6, String address4, Optional<Integer> tap) {
    /** The host's end has the same addresses on every wire: each guest sees one neighbour, its gateway. */
    public static final String GATEWAY6 = "fe80::1";

    public static final String GATEWAY4 = "100.64.0.1";
    public static final String GATEWAY_MAC = "02:a1:10:d0:00:01";

    /** Where the host speaks to guests from; a global address, as it may have no other. */
    static final String HOST6 = "fd00:a110:d::1";

    /** The host's end of a wire; the 12 digits that vary make the 15 characters that a device's name may have. */
    private static final String DEVICE_PREFIX = "ald";

    private static final String NAMESPACE_PREFIX = "allod-";

    /** The device inside the namespace: what runsc takes over, or what is bridged to the tap. */
    static final String INSIDE = "eth0";

    public static final String TAP = "tap0";

    private static final String BRIDGE = "br0";

    public String namespace() {
        return namespace(machine);
    }

    static String namespace(MachineId machine) {
        return NAMESPACE_PREFIX + machine;
    }

    /** The host's end. */
    public String device() {
        return device(machine);
    }

    static String device(MachineId machine) {
        return DEVICE_PREFIX + machine.text().substring(2);
    }

    /** The machine whose end of a wire {@code device} is. */
    static Optional<MachineId> machineOf(String device) {
        return device.startsWith(DEVICE_PREFIX)
                ? MachineId.parse("00" + device.substring(DEVICE_PREFIX.length()))
                : Optional.empty();
    }

    /** The guest's Ethernet address, fixed so that the host needs not ask for it. */
    public String mac() {
        String digits = machine.text();
        StringBuilder mac = new StringBuilder("02");
        for (int i = 4; i < digits.length(); i += 2) {
            mac.append(':').append(digits, i, i + 2);
        }
        return mac.toString();
    }

    /** The address that the guest's kernel makes of its Ethernet address: what it asks for its neighbours from. */
    public String linkLocal() {
        String[] part = mac().split(":", -1);
        String first = "%02x".formatted(Integer.parseInt(part[0], 16) ^ 2);
        return "fe80::" + first + part[1] + ":" + part[2] + "ff:fe" + part[3] + ":" + part[4] + part[5];
    }

    boolean present() {
        return NetNs.exists(namespace());
    }

    /** Makes the namespace and the pair; from the first moment the host's end is in the group. */
    void make(Rtnetlink host, long group, String owner) {
        NetNs.make(namespace());
        LinkRequest device = host.pair(
                new Rtnetlink.End(device(), GATEWAY_MAC),
                group,
                new Rtnetlink.End(INSIDE, tap.isPresent() ? bridgeMac() : mac()),
                namespace());
        host.ask(List.of(device.alias(owner)));
    }

    /** What the host's side needs, over and over. No address is ever announced or checked for doubles: all are known. */
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
     * Has the host not answer ARP there, for which it would keep whoever asks: both ends know each other for good. (A
     * device that knows no ARP at all, {@code IFF_NOARP}, hears no neighbour discovery either, by which a guest that
     * forgot its gateway finds it again.)
     */
    void withoutArp() {
        Sysctl.write("net/ipv4/conf/" + device() + "/arp_ignore", "8");
    }

    /**
     * What the inside needs before each boot. runsc takes the addresses and routes off the device for its own network
     * stack; a microVM takes none, its side is bridged to a tap that QEMU's unprivileged user may open.
     */
    void inside(Rtnetlink inside) {
        if (tap.isPresent()) {
            LinkRequest bridge = inside.device(BRIDGE);
            LinkRequest end = inside.device(INSIDE);
            LinkRequest device = inside.device(TAP);
            // Root in the guest sends from as many addresses and joins as many groups as it likes: none is kept.
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

    /** Made once, after the pair: a tap stays as it is from boot to boot. */
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

    /** Whether the inside has every device that it should, and none that is for another kind of guest. */
    boolean isInsideComplete() {
        List<LinkRequest> devices;
        try {
            devices = Rtnetlink.inside(namespace(), Rtnetlink::all);
        } catch (FailedException e) {
            return false; // a crash left a file that is no namespace
        }
        // A device that hangs on another: the other end is there too.
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

    /** The inner end of a bridged wire is nobody's: it may not have the guest's own Ethernet address. */
    private String bridgeMac() {
        return "06" + mac().substring(2);
    }
}
