package org.allod.runtime;

import java.util.List;
import java.util.Optional;
import org.allod.base.MachineId;
import org.allod.linux.NetNs;

/**
 * Everything there is to know of one machine's place in the network of this host: a pair of virtual Ethernet devices
 * between the host and a namespace of the machine's own.
 *
 * @param machine whose
 * @param address6 its private address, the same on every host
 * @param address4 an address of this host alone, behind which it reaches the old Internet
 * @param tap the owner (uid) of a tap device, where the guest is a microVM; empty where it is a sandbox
 */
public record Wire(MachineId machine, String address6, String address4, Optional<Integer> tap) {
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

    boolean present() {
        return NetNs.exists(namespace());
    }

    /** What makes the pair, and the host's side of it. */
    List<String> make(long group, String owner) {
        String device = device();
        return List.of(
                "netns add " + namespace(),
                "link add name " + device + " group " + group + " address " + GATEWAY_MAC + " type veth peer name "
                        + INSIDE + " address " + (tap.isPresent() ? bridgeMac() : mac()) + " netns " + namespace(),
                "link set dev " + device + " alias " + owner);
    }

    /** What the host's side needs, over and over. No address is ever announced or checked for doubles: all are known. */
    List<String> host() {
        String device = device();
        return List.of(
                "link set dev " + device + " addrgenmode none",
                "link set dev " + device + " up",
                "addr replace " + HOST6 + "/128 dev " + device + " nodad",
                "addr replace " + GATEWAY6 + "/64 dev " + device + " nodad",
                "addr replace " + GATEWAY4 + "/32 dev " + device,
                "route replace " + address6 + "/128 dev " + device + " src " + HOST6,
                "route replace " + address4 + "/32 dev " + device + " src " + GATEWAY4,
                "neigh replace " + address6 + " lladdr " + mac() + " dev " + device + " nud permanent",
                "neigh replace " + address4 + " lladdr " + mac() + " dev " + device + " nud permanent");
    }

    /**
     * What the inside needs before each boot. runsc takes the addresses and routes off the device for its own network
     * stack; a microVM takes none, its side is bridged to a tap that QEMU's unprivileged user may open.
     */
    List<String> inside() {
        return tap.map(Wire::bridged).orElseGet(this::direct);
    }

    private List<String> direct() {
        return List.of(
                "link set dev lo up",
                "link set dev eth0 addrgenmode none",
                "link set dev eth0 up",
                "addr replace " + address6 + "/128 dev eth0 nodad",
                "addr replace " + address4 + "/32 dev eth0",
                "neigh replace " + GATEWAY6 + " lladdr " + GATEWAY_MAC + " dev eth0 nud permanent",
                "neigh replace " + GATEWAY4 + " lladdr " + GATEWAY_MAC + " dev eth0 nud permanent",
                "route replace " + GATEWAY4 + "/32 dev eth0 scope link",
                "route replace default via " + GATEWAY4 + " dev eth0 onlink",
                "route replace default via " + GATEWAY6 + " dev eth0");
    }

    /** Made once: a tap stays as it is from boot to boot. */
    static List<String> tapMake(int owner) {
        return List.of(
                "link add name br0 type bridge",
                "tuntap add dev " + TAP + " mode tap user " + owner,
                "link set dev br0 addrgenmode none",
                "link set dev " + TAP + " addrgenmode none",
                "link set dev eth0 addrgenmode none",
                "link set dev eth0 master br0",
                "link set dev " + TAP + " master br0");
    }

    private static List<String> bridged(int owner) {
        return List.of("link set dev br0 up", "link set dev eth0 up", "link set dev " + TAP + " up");
    }

    /** The inner end of a bridged wire is nobody's: it may not have the guest's own Ethernet address. */
    private String bridgeMac() {
        return "06" + mac().substring(2);
    }
}
