package org.allod.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.allod.base.IdGenerator;
import org.allod.base.MachineId;
import org.allod.base.Rng;
import org.allod.base.SystemClock;
import org.allod.linux.Command;
import org.allod.linux.NetNs;
import org.allod.linux.Sysctl;
import org.allod.soak.Scratch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Every rule of the machines' network, by real namespaces and real connections. The world outside is one more
 * namespace, holding addresses kept for documentation; the host's routes to anywhere else stay as they are.
 */
class NetworksTest {
    private static final int FLOWS = 200;
    /** Of the world's networks, one a process: another run on this host has its own. */
    private static final long WORLD = ProcessHandle.current().pid() % 64;

    private static final String HOST4 = "203.0.113." + (4 * WORLD + 1);
    private static final String WORLD4 = "203.0.113." + (4 * WORLD + 2);
    private static final String HOST6 = "2001:db8:77:" + WORLD + "::1";
    private static final String WORLD6 = "2001:db8:77:" + WORLD + "::2";
    private static final String HOST_SECRET4 = "10.77." + WORLD + ".1";
    private static final String SECRET4 = "10.77." + WORLD + ".2";
    private static final String RESOLVER4 = "10.77." + WORLD + ".3";
    /** A host where much else goes on takes its time to start a process and let it connect. */
    private static final String PATIENCE = "20";

    /** A SYN that is dropped is not sent again within this. */
    private static final String DENIED = "0.7";

    private static final GuestSpec.Net NET = new GuestSpec.Net(0x0123456789L, 7);

    private final IdGenerator ids = new IdGenerator(new SystemClock(), Rng.system());
    private final String instance = "t" + ProcessHandle.current().pid();
    private final Networks networks =
            new Networks(new NetworkConfig(instance, NetworkConfig.PRIVATE, List.of(RESOLVER4), FLOWS));
    private final String worldDevice = "w" + ProcessHandle.current().pid();
    private final String world = "allodtest-" + worldDevice;
    private final List<MachineId> machines = new ArrayList<>();
    private final List<Process> servers = new ArrayList<>();

    @BeforeEach
    void world() {
        ip(List.of(
                "netns add " + world,
                "link add name " + worldDevice + " type veth peer name eth0 netns " + world,
                "link set dev " + worldDevice + " up",
                "addr add " + HOST4 + "/30 dev " + worldDevice,
                "addr add " + HOST_SECRET4 + "/24 dev " + worldDevice,
                "addr add " + HOST6 + "/64 dev " + worldDevice + " nodad"));
        ip(
                world,
                List.of(
                        "link set dev lo up",
                        "link set dev eth0 up",
                        "addr add " + WORLD4 + "/30 dev eth0",
                        "addr add " + SECRET4 + "/24 dev eth0",
                        "addr add " + RESOLVER4 + "/24 dev eth0",
                        "addr add " + WORLD6 + "/64 dev eth0 nodad"));
        // What Uplinks does to devices with a default route, which a test must not add to the host.
        UplinkForwarding.forward(worldDevice);
    }

    @AfterEach
    void nothingRemains() throws Exception {
        for (Process server : servers) {
            server.destroyForcibly().waitFor();
        }
        machines.forEach(networks::remove);
        networks.removeTable();
        attempt(List.of("link del dev " + worldDevice, "netns del " + world));
        assertThat(networks.present()).isEmpty();
        machines.forEach(m -> assertThat(NetNs.exists(MachineLink.namespace(m))).isFalse());
        assertThat(Command.of("nft", "list", "tables").output()).doesNotContain("allod_" + instance);
    }

    /** The tool itself: what it makes of ours, and ours of its, is part of what is tested. */
    private static void ip(List<String> lines) {
        Command.of("ip", "-batch", "-").input(String.join("\n", lines) + "\n").output();
    }

    private static void ip(String namespace, List<String> lines) {
        Command.of("ip", "-netns", namespace, "-batch", "-")
                .input(String.join("\n", lines) + "\n")
                .output();
    }

    private static void attempt(List<String> lines) {
        var _ = Command.of("ip", "-force", "-batch", "-")
                .input(String.join("\n", lines) + "\n")
                .run();
    }

    private MachineLink machine() {
        MachineId id = ids.machine();
        machines.add(id);
        return networks.setUp(id, NET.address(id), Optional.empty());
    }

    /** A server inside a namespace that says its own name. */
    private void serve(String namespace, int port) throws Exception {
        String family = "[::]:" + port;
        Path www = Scratch.folder("www");
        Files.writeString(www.resolve("index.html"), "I am " + namespace);
        servers.add(new ProcessBuilder(
                        "nsenter",
                        "--net=" + NetNs.path(namespace),
                        "busybox",
                        "httpd",
                        "-f",
                        "-p",
                        family,
                        "-h",
                        www.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start());
        for (int i = 0; i < 200 && !connects(namespace, "::1", port, PATIENCE); i++) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    /** @param seconds how long it may take */
    private static boolean connects(String namespace, String address, int port, String seconds) {
        return Command.of(
                        "nsenter",
                        "--net=" + NetNs.path(namespace),
                        "timeout",
                        seconds,
                        "bash",
                        "-c",
                        "exec 3<>/dev/tcp/" + address + "/" + port)
                .run()
                .ok();
    }

    private static boolean hostConnects(String address, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), 20_000);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void host_toGuest_connectsAtOnceOnBothFamilies() throws Exception {
        MachineLink link = machine();
        serve(link.namespace(), 8080);
        assertThat(hostConnects(link.address6(), 8080)).isTrue();
        assertThat(hostConnects(link.address4(), 8080)).isTrue();
        assertThat(networks.traffic(link.machine()).sent()).isPositive();
    }

    @Test
    void guest_toAnyAddressOfTheHost_isDenied() throws Exception {
        MachineLink link = machine();
        for (String address : List.of("::", "0.0.0.0")) {
            try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getByName(address))) {
                int port = server.getLocalPort();
                boolean six = address.equals("::");
                List<String> hosts = six
                        ? List.of(HOST6, MachineLink.HOST6, "fe80::1%eth0")
                        : List.of(HOST4, HOST_SECRET4, MachineLink.GATEWAY4);
                for (String host : hosts) {
                    assertThat(connects(link.namespace(), host, port, DENIED))
                            .as(host)
                            .isFalse();
                }
                assertThat(hostConnects(hosts.getFirst(), port)).isTrue();
            }
        }
    }

    @Test
    void guest_toTheWorld_goesOutBehindTheHost() throws Exception {
        MachineLink link = machine();
        serve(world, 8081);
        // The world has no route back to a machine's own addresses: an answer proves the masquerade.
        assertThat(connects(link.namespace(), WORLD6, 8081, PATIENCE)).isTrue();
        assertThat(connects(link.namespace(), WORLD4, 8081, PATIENCE)).isTrue();
    }

    @Test
    void guest_toPrivateRanges_isDeniedButForResolvers() throws Exception {
        MachineLink link = machine();
        serve(world, 53);
        serve(world, 8081);
        assertThat(hostConnects(SECRET4, 8081)).isTrue();
        assertThat(connects(link.namespace(), SECRET4, 8081, DENIED)).isFalse();
        assertThat(connects(link.namespace(), SECRET4, 53, DENIED)).isFalse();
        assertThat(connects(link.namespace(), RESOLVER4, 53, PATIENCE)).isTrue();
        assertThat(connects(link.namespace(), RESOLVER4, 8081, DENIED)).isFalse();
    }

    @Test
    void guest_toAnotherGuest_isDenied() throws Exception {
        MachineLink one = machine();
        MachineLink two = machine();
        serve(two.namespace(), 8080);
        assertThat(hostConnects(two.address6(), 8080)).isTrue();
        assertThat(connects(one.namespace(), two.address6(), 8080, DENIED)).isFalse();
        assertThat(connects(one.namespace(), two.address4(), 8080, DENIED)).isFalse();
    }

    @Test
    void world_toGuest_isDenied() throws Exception {
        MachineLink link = machine();
        serve(link.namespace(), 8080);
        ip(
                world,
                List.of(
                        "route add " + link.address6() + "/128 via " + HOST6,
                        "route add " + link.address4() + "/32 via " + HOST4));
        assertThat(connects(world, link.address6(), 8080, DENIED)).isFalse();
        assertThat(connects(world, link.address4(), 8080, DENIED)).isFalse();
    }

    @Test
    void guest_withForeignSource_isDropped() throws Exception {
        MachineLink link = machine();
        serve(world, 8081);
        assertThat(connects(link.namespace(), WORLD6, 8081, PATIENCE)).isTrue();
        String foreign = NET.address(ids.machine());
        ip(
                link.namespace(),
                List.of(
                        "addr add " + foreign + "/128 dev eth0 nodad",
                        "route replace default via fe80::1 dev eth0 src " + foreign,
                        "addr add 100.64.99.99/32 dev eth0",
                        "route replace default via 100.64.0.1 dev eth0 onlink src 100.64.99.99"));
        // The host can be told to answer it: only the filter stands between.
        ip(List.of("route add " + foreign + "/128 dev " + link.device()));
        assertThat(connects(link.namespace(), WORLD6, 8081, DENIED)).isFalse();
        assertThat(connects(link.namespace(), WORLD4, 8081, DENIED)).isFalse();
    }

    /** What the host keeps of a device's neighbours; all namespaces share one table. */
    private static List<String> neighbours(String device) {
        return Command.of("ip", "neigh", "show", "dev", device, "nud", "all")
                .output()
                .lines()
                .filter(line -> !line.contains("NOARP")) // groups of addresses: of the device's own
                .toList();
    }

    @Test
    void guest_thatIsThousandNeighbours_hasTheHostKeepNone() {
        MachineLink link = machine();
        List<String> before = neighbours(link.device());
        assertThat(before).hasSize(3).allMatch(line -> line.contains("PERMANENT"));
        RawFrames.send(link, MachineLink.INSIDE, "arp", 300);
        RawFrames.send(link, MachineLink.INSIDE, "nd", 300);
        assertThat(neighbours(link.device())).containsExactlyElementsOf(before);
    }

    @Test
    void guest_thatForgotItsGateway_findsItByNeighbourDiscovery() throws Exception {
        MachineLink link = machine();
        serve(world, 8081);
        ip(link.namespace(), List.of("neigh flush dev eth0 nud permanent"));
        assertThat(connects(link.namespace(), WORLD6, 8081, PATIENCE)).isTrue();
    }

    @Test
    void bridge_ofAMicroVm_learnsNoAddresses() {
        MachineId id = ids.machine();
        machines.add(id);
        MachineLink link = networks.setUp(id, NET.address(id), Optional.of(0));
        RawFrames.send(link, MachineLink.INSIDE, "noise", 300);
        String learned = Command.of("bridge", "-netns", link.namespace(), "fdb", "show", "br", "br0")
                .output();
        assertThat(learned.lines().filter(line -> line.startsWith("02:77:"))).isEmpty();
        assertThat(Command.of("ip", "-n", link.namespace(), "-d", "link").output())
                .contains("mcast_snooping 0")
                .doesNotContain("learning on");
    }

    @Test
    void guest_withThousandsOfFlows_hasAsManyAsItMay_andIsCounted() throws Exception {
        MachineLink link = machine();
        MachineLink other = machine();
        serve(world, 8081);
        int before = tracked();
        RawFrames.flows(link, WORLD4, 2_000);
        assertThat(tracked() - before).isBetween(FLOWS / 2, FLOWS + 500);
        assertThat(networks.refused().get(link.machine())).isGreaterThan(1_000);
        assertThat(networks.refused()).doesNotContainKey(other.machine());
        assertThat(connects(other.namespace(), WORLD4, 8081, PATIENCE))
                .as("another machine's")
                .isTrue();
    }

    private static int tracked() {
        return Integer.parseInt(Sysctl.read("net/netfilter/nf_conntrack_count").orElseThrow());
    }

    @Test
    void denied_holdsEveryFormOfWhatIsPrivate_andTheCloudsMetadata() {
        assertThat(NetworkConfig.PRIVATE)
                .contains("::/96", "::ffff:0:0/96", "64:ff9b::/96", "2002::/16", "168.63.129.16", "192.0.0.0/24")
                .contains("169.254.0.0/16", "fc00::/7", "100.64.0.0/10");
        machine(); // the table takes them
        String table = Command.of("nft", "list", "chain", "inet", "allod_" + instance, "egress")
                .output();
        assertThat(table).contains("64:ff9b::/96", "2002::/16", "168.63.129.16", "192.0.0.0/24");
    }

    @Test
    void network_setUpAgain_isWholeWhateverWasMissing() throws Exception {
        MachineLink link = machine();
        Networks restarted = new Networks(NetworkConfig.closed(instance));
        ip(link.namespace(), List.of("addr flush dev eth0"));
        assertThat(restarted.setUp(link.machine(), link.address6(), Optional.empty()))
                .isEqualTo(link);
        serve(link.namespace(), 8080);
        assertThat(hostConnects(link.address6(), 8080)).isTrue();
        servers.removeLast().destroyForcibly().waitFor();

        ip(List.of("link del dev " + link.device())); // the namespace stays: half a network
        Networks again = new Networks(NetworkConfig.closed(instance));
        assertThat(again.present()).isEmpty();
        again.setUp(link.machine(), link.address6(), Optional.empty());
        assertThat(again.present()).containsExactly(link.machine());
        serve(link.namespace(), 8080);
        assertThat(hostConnects(link.address6(), 8080)).isTrue();
    }

    @Test
    void network_ofAnotherInstance_isNotOurs() {
        MachineLink link = machine();
        assertThat(networks.present()).containsExactly(link.machine());
        assertThat(new Networks(NetworkConfig.closed("other")).present()).doesNotContain(link.machine());
    }

    @Test
    void tap_forItsUser_isBridgedAndChangesKind() {
        MachineId id = ids.machine();
        machines.add(id);
        MachineLink link = networks.setUp(id, NET.address(id), Optional.of(64055));
        String links = Command.of("ip", "-n", link.namespace(), "-d", "link").output();
        assertThat(links).contains("tap0", "user 64055", "br0");
        MachineLink direct = networks.setUp(id, NET.address(id), Optional.empty());
        assertThat(Command.of("ip", "-n", direct.namespace(), "link").output()).doesNotContain("tap0");
    }

    @Test
    void forwarding_forMachines_leavesTheHostsOwnSettingAlone() {
        String before = Sysctl.read("net/ipv4/ip_forward").orElseThrow();
        machine();
        assertThat(Sysctl.read("net/ipv4/ip_forward")).contains(before);
    }

    @Test
    void address4_ofTwoMachinesThatClash_differ() {
        MachineId id = MachineId.of(42);
        String first = new Ipv4Allocator(Map.of()).choose(id);
        Map<Integer, String> taken =
                Ipv4Allocator.parse("Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
                        + "other %s 00000000 0001 0 0 0 FFFFFFFF 0 0 0\n".formatted(hex(first)));
        assertThat(new Ipv4Allocator(taken).choose(id)).isNotEqualTo(first);
        Map<Integer, String> own = Ipv4Allocator.parse(
                "x\n" + MachineLink.device(id) + " " + hex("100.64.9.9") + " 00000000 0001 0 0 0 FFFFFFFF 0 0 0\n");
        assertThat(new Ipv4Allocator(own).choose(id)).isEqualTo("100.64.9.9");
    }

    private static String hex(String address) {
        String[] parts = address.split("\\.");
        StringBuilder text = new StringBuilder();
        for (int i = 3; i >= 0; i--) {
            text.append("%02X".formatted(Integer.parseInt(parts[i])));
        }
        return text.toString();
    }

    @Test
    void nameServers_ofTheHost_areThoseAGuestCanReach() {
        assertThat(
                        NetworkConfig.nameServers(
                                "# nameserver 9.9.9.9\nsearch x\nnameserver 127.0.0.53\n nameserver\t10.0.0.2 \n"
                                        + "nameserver fe80::1%eth0\nnameserver 2001:db8::53\nnameserver 10.0.0.2\nnameserver ; evil\n"))
                .containsExactly("10.0.0.2", "2001:db8::53");
    }

    @Test
    void defaultRoutes_ofBothTables_nameTheirDevices() {
        assertThat(UplinkForwarding.parse4("head\neth0\t00000000\t0101\t3\t0\t0\t0\t00000000\t0\t0\t0\n"
                        + "eth1\t00000000\t0101\t3\t0\t0\t0\t0000FFFF\t0\t0\t0\n"))
                .containsExactly("eth0");
        String zero = "0".repeat(32);
        assertThat(UplinkForwarding.parse6(zero + " 00 " + zero + " 00 " + zero + " 1 2 3 4     eth2\n"))
                .containsExactly("eth2");
    }
}
