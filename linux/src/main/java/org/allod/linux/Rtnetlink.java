package org.allod.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.allod.base.FailedException;

/**
 * Reads and changes the devices, addresses, routes and neighbours of one network namespace by rtnetlink: what {@code
 * ip} does, without starting a process.
 *
 * <p>Use it within {@link #here} or {@link #inside}, which run the work on a platform thread of its own. Errors say
 * what was attempted and why the kernel refused it.
 */
public final class Rtnetlink {
    private static final int DELLINK = 17;
    private static final int GETLINK = 18;

    private static final int IFLA_LINKINFO = 18;
    private static final int IFLA_GROUP = 27;
    private static final int IFLA_NET_NS_FD = 28;
    private static final int IFLA_INFO_KIND = 1;
    private static final int IFLA_INFO_DATA = 2;
    private static final int VETH_INFO_PEER = 1;

    private final Netlink netlink;

    private Rtnetlink(Netlink netlink) {
        this.netlink = netlink;
    }

    /** Runs work in the namespace of this process. */
    public static <T> T here(Function<Rtnetlink, T> work) {
        return PlatformThreads.call("netlink", () -> with(Netlink.open(LibcSockets.NETLINK_ROUTE), work));
    }

    /**
     * Runs work in a named namespace. The thread enters the namespace only to open the socket.
     *
     * @throws FailedException also if there is no such namespace
     */
    public static <T> T inside(String namespace, Function<Rtnetlink, T> work) {
        return PlatformThreads.call(
                "netlink-" + namespace,
                () -> with(
                        Netlink.of(NetNs.inside(namespace, () -> LibcSockets.netlink(LibcSockets.NETLINK_ROUTE))),
                        work));
    }

    private static <T> T with(Netlink netlink, Function<Rtnetlink, T> work) {
        try (netlink) {
            return work.apply(new Rtnetlink(netlink));
        }
    }

    /**
     * Sends the requests in order. The kernel continues after a refusal; the first refusal is thrown.
     */
    public void ask(List<NetlinkMessage> requests) {
        netlink.ask(requests);
    }

    /** The device of that name. */
    public LinkRequest device(String name) {
        return find(name).orElseThrow(() -> new FailedException("there is no network device " + name));
    }

    /** The device of that name, if there is one. */
    public Optional<LinkRequest> find(String name) {
        NetlinkMessage request =
                link("look for the network device " + name, GETLINK, 0).put(LinkRequest.IFLA_IFNAME, name);
        return netlink.get(request, Libc.ENODEV).map(LinkRequest::of);
    }

    /** Every device there is. */
    public List<LinkRequest> all() {
        List<LinkRequest> devices = new ArrayList<>();
        for (NetlinkResponse answer :
                netlink.list(link("list network devices", GETLINK, NetlinkMessage.DUMP), _ -> false)) {
            if (answer.type() == LinkRequest.NEWLINK) {
                devices.add(LinkRequest.of(answer));
            }
        }
        return devices;
    }

    /** Removes a device and, of a pair, its other end; false if there is no such device. */
    public boolean delete(String name) {
        NetlinkMessage request = link("delete the network device " + name, DELLINK, NetlinkMessage.ACK)
                .put(LinkRequest.IFLA_IFNAME, name);
        List<Netlink.Refusal> refused = netlink.tell(List.of(request));
        if (!refused.isEmpty() && refused.getFirst().errno() != Libc.ENODEV) {
            throw refused.getFirst().failed();
        }
        return refused.isEmpty();
    }

    /**
     * An end of a pair of virtual Ethernet devices.
     *
     * @param name at most 15 characters
     * @param mac its Ethernet address
     */
    public record End(String name, String mac) {}

    /** Creates a pair: one end here, in a group of devices, the other in a named namespace. */
    public LinkRequest pair(End here, long group, End there, String namespace) {
        String what = "make the network device " + here.name() + " with its other end in " + namespace;
        return withFile(namespace, what, fd -> {
            netlink.ask(List.of(link(what, LinkRequest.NEWLINK, NEW)
                    .put(LinkRequest.IFLA_IFNAME, here.name())
                    .put(LinkRequest.IFLA_ADDRESS, LinkRequest.mac(here.mac()))
                    .put(IFLA_GROUP, group)
                    .nest(
                            IFLA_LINKINFO,
                            info -> info.put(IFLA_INFO_KIND, "veth")
                                    .nest(
                                            IFLA_INFO_DATA,
                                            data -> data.nest(
                                                    VETH_INFO_PEER,
                                                    peer -> head(peer)
                                                            .put(LinkRequest.IFLA_IFNAME, there.name())
                                                            .put(LinkRequest.IFLA_ADDRESS, LinkRequest.mac(there.mac()))
                                                            .put(IFLA_NET_NS_FD, fd))))));
            return device(here.name());
        });
    }

    private static final int NEW = NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCL;

    /** Makes a bridge. */
    public LinkRequest bridge(String name) {
        netlink.ask(List.of(link("make the bridge " + name, LinkRequest.NEWLINK, NEW)
                .put(LinkRequest.IFLA_IFNAME, name)
                .nest(IFLA_LINKINFO, info -> info.put(IFLA_INFO_KIND, "bridge"))));
        return device(name);
    }

    private static NetlinkMessage link(String what, int type, int flags) {
        return head(new NetlinkMessage(what, type, flags));
    }

    /** The fixed part of messages about links, where attributes say which is meant. */
    private static NetlinkMessage head(NetlinkMessage message) {
        return message.u8(0, 0).u16(0).u32(0).u32(0).u32(0);
    }

    private static <T> T withFile(String namespace, String what, IntFunction<T> work) {
        int fd = Libc.open(NetNs.path(namespace).toString(), Libc.O_RDONLY);
        if (fd < 0) {
            throw new FailedException("cannot " + what + ": " + Libc.error(-fd));
        }
        try {
            return work.apply(fd);
        } finally {
            Libc.close(fd);
        }
    }
}
