package org.allod.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.allod.base.FailedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every request against the kernel, in namespaces of the test's own, and looked at by {@code ip}. */
class RtnetlinkTest {
    private final String one = "allodnl-" + ProcessHandle.current().pid() + "-1";
    private final String two = "allodnl-" + ProcessHandle.current().pid() + "-2";

    @BeforeEach
    void namespaces() {
        NetNs.make(one);
        NetNs.make(two);
    }

    @AfterEach
    void none() {
        NetNs.delete(one);
        NetNs.delete(two);
    }

    private String ip(String... words) {
        List<String> line = new ArrayList<>(List.of("ip", "-netns", one));
        line.addAll(List.of(words));
        return Command.of(line).output();
    }

    private LinkRequest pair() {
        return Rtnetlink.inside(
                one,
                links -> links.pair(
                        new Rtnetlink.End("ald0123456789ab", "02:a1:10:d0:00:01"),
                        0x7fff0001L,
                        new Rtnetlink.End("eth0", "02:00:00:00:00:07"),
                        two));
    }

    @Test
    void pair_made_isAsAskedAtBothEnds() {
        LinkRequest device = pair();
        Rtnetlink.inside(one, links -> {
            links.ask(List.of(device.alias("allod:äß"), device.plain(), device.up()));
            return 0;
        });
        assertThat(ip("-d", "link", "show", "dev", "ald0123456789ab"))
                .contains("group " + 0x7fff0001, "link/ether 02:a1:10:d0:00:01", "veth", "addrgenmode none")
                .contains("alias allod:äß", "UP", "link-netns " + two);
        assertThat(Rtnetlink.inside(two, Rtnetlink::all))
                .extracting(LinkRequest::name)
                .containsExactlyInAnyOrder("lo", "eth0");
        LinkRequest end = Rtnetlink.inside(two, links -> links.device("eth0"));
        assertThat(end.link()).isEqualTo(device.index());
        assertThat(Command.of("ip", "-n", two, "link", "show", "dev", "eth0").output())
                .contains("02:00:00:00:00:07");
        assertThat(ip("-6", "addr")).doesNotContain("fe80");
    }

    @Test
    void addressesRoutesAndNeighbours_askedTwice_areThereOnce() {
        LinkRequest device = pair();
        List<NetlinkMessage> requests = List.of(
                device.up(),
                device.address("fd00:a110:d::1", 128),
                device.address("fe80::1", 64),
                device.address("100.64.0.1", 32),
                device.route("fd01::7", "fd00:a110:d::1"),
                device.route("100.64.9.9", "100.64.0.1"),
                device.neighbour("fd01::7", "02:00:00:00:00:07"),
                device.neighbour("100.64.9.9", "02:00:00:00:00:07"),
                device.route("100.64.0.9"),
                device.defaultRoute("100.64.0.9"),
                device.defaultRoute("fe80::9"));
        for (int i = 0; i < 2; i++) {
            Rtnetlink.inside(one, links -> {
                links.ask(requests);
                return 0;
            });
        }
        assertThat(ip("-4", "addr").lines().filter(l -> l.contains("inet "))).hasSize(1);
        assertThat(ip("addr", "show", "dev", device.name()))
                .contains("inet 100.64.0.1/32 scope global", "inet6 fd00:a110:d::1/128 scope global nodad")
                .contains("inet6 fe80::1/64 scope link nodad")
                .doesNotContain("tentative");
        assertThat(ip("route").lines().map(String::strip))
                .containsExactlyInAnyOrder(
                        "default via 100.64.0.9 dev ald0123456789ab onlink linkdown",
                        "100.64.0.9 dev ald0123456789ab scope link linkdown",
                        "100.64.9.9 dev ald0123456789ab scope link src 100.64.0.1 linkdown");
        assertThat(ip("-6", "route"))
                .contains("fd01::7 dev ald0123456789ab src fd00:a110:d::1 metric 1024")
                .containsOnlyOnce("default via fe80::9 dev ald0123456789ab");
        assertThat(ip("neigh", "show", "nud", "permanent").lines().map(String::strip))
                .containsExactlyInAnyOrder(
                        "100.64.9.9 dev ald0123456789ab lladdr 02:00:00:00:00:07 PERMANENT",
                        "fd01::7 dev ald0123456789ab lladdr 02:00:00:00:00:07 PERMANENT");
    }

    @Test
    void bridge_withATapOfAUser_hasBothPorts() {
        pair();
        TapDevice.make(two, "tap0", 64055);
        Rtnetlink.inside(two, links -> {
            LinkRequest bridge = links.bridge("br0");
            links.ask(List.of(
                    links.device("eth0").portOf(bridge), links.device("tap0").portOf(bridge), bridge.up()));
            assertThat(links.all().stream().filter(d -> d.master() == bridge.index()))
                    .extracting(LinkRequest::name)
                    .containsExactlyInAnyOrder("eth0", "tap0");
            return 0;
        });
        assertThat(Command.of("ip", "-n", two, "-d", "link", "show", "dev", "tap0")
                        .output())
                .contains("tun type tap pi off", "persist on", "user 64055", "master br0");
    }

    /** The kernel goes on after a refused request; the error is of the first, in words of ours and of the kernel's. */
    @Test
    void refusals_ofTheKernel_sayWhatWasAskedAndWhy() {
        LinkRequest device = pair();
        LinkRequest gone = new LinkRequest("gone", 4711, 0, 0);
        Rtnetlink.inside(one, links -> {
            assertThatThrownBy(() -> links.ask(List.of(
                            device.up(),
                            device.route("100.64.9.9", "203.0.113.9"),
                            gone.up(),
                            device.address("100.64.0.1", 32))))
                    .isInstanceOf(FailedException.class)
                    .hasMessage("cannot route 100.64.9.9 by the device ald0123456789ab:"
                            + " Invalid argument: Invalid prefsrc address");
            assertThatThrownBy(() -> links.ask(List.of(gone.address("fd00::1", 128))))
                    .isInstanceOf(FailedException.class)
                    .hasMessageStartingWith("cannot give the device gone the address fd00::1/128: No such device");
            assertThatThrownBy(() -> links.ask(List.of(device.address("100.64.0.1", 33))))
                    .isInstanceOf(FailedException.class)
                    .hasMessageStartingWith(
                            "cannot give the device ald0123456789ab the address 100.64.0.1/33: Invalid argument");
            assertThatThrownBy(() -> links.device("gone"))
                    .isInstanceOf(FailedException.class)
                    .hasMessage("there is no network device gone");
            assertThat(links.delete("gone")).isFalse();
            return 0;
        });
        assertThat(ip("addr")).contains("100.64.0.1/32"); // what came after the refused one
        assertThatThrownBy(this::pair)
                .isInstanceOf(FailedException.class)
                .hasMessage("cannot make the network device ald0123456789ab with its other end in " + two
                        + ": File exists");
        assertThatThrownBy(() -> TapDevice.make(two, "eth0", 0))
                .isInstanceOf(FailedException.class)
                .hasMessageStartingWith("cannot make the tap device eth0 in " + two + ": Invalid argument");
    }

    @Test
    void deleting_oneEnd_deletesBoth() {
        pair();
        assertThat(Rtnetlink.<Boolean>inside(two, links -> links.delete("eth0")))
                .isTrue();
        assertThat(Rtnetlink.inside(one, Rtnetlink::all))
                .extracting(LinkRequest::name)
                .containsExactly("lo");
        assertThat(Rtnetlink.<Boolean>inside(two, links -> links.delete("eth0")))
                .isFalse();
    }

    /** More than one receive holds. */
    @Test
    void devices_inHundreds_areAllListed() {
        Map<String, Integer> made = new TreeMap<>();
        Rtnetlink.inside(one, links -> {
            for (int i = 0; i < 300; i++) {
                LinkRequest bridge = links.bridge("b" + i);
                made.put(bridge.name(), bridge.index());
            }
            Map<String, Integer> listed = new TreeMap<>();
            links.all().forEach(device -> listed.put(device.name(), device.index()));
            listed.remove("lo");
            assertThat(listed).isEqualTo(made);
            return 0;
        });
    }
}
