package org.allod.linux;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Map;

/**
 * A network device of some namespace, and the requests there are about it ({@code linux/rtnetlink.h}, {@code
 * if_link.h}, {@code if_addr.h}, {@code neighbour.h}). Each sets a state and may be asked for again; none does anything
 * before {@link Rtnetlink#ask}. Addresses are literals of either family, Ethernet addresses six pairs of digits with
 * colons.
 *
 * @param name what it is called
 * @param index its number in its namespace
 * @param link the number of the device it hangs on, such as the other end of a pair; 0 where there is none
 * @param master the number of the bridge it is a port of; 0 where it is of none
 */
public record LinkRequest(String name, int index, int link, int master) {
    static final int NEWLINK = 16;
    private static final int NEWADDR = 20;
    private static final int NEWROUTE = 24;
    private static final int NEWNEIGH = 28;

    static final int IFLA_ADDRESS = 1;
    static final int IFLA_IFNAME = 3;
    private static final int IFLA_LINK = 5;
    private static final int IFLA_MASTER = 10;
    private static final int IFLA_IFALIAS = 20;
    private static final int IFLA_AF_SPEC = 26;
    private static final int IFLA_INET6_ADDR_GEN_MODE = 8;
    private static final int GEN_MODE_NONE = 1;
    private static final int IFF_UP = 1;
    private static final int IFLA_LINKINFO = 18;
    private static final int IFLA_INFO_KIND = 1;
    private static final int IFLA_INFO_DATA = 2;
    private static final int IFLA_INFO_SLAVE_KIND = 4;
    private static final int IFLA_INFO_SLAVE_DATA = 5;
    private static final int IFLA_BR_MCAST_SNOOPING = 23;
    private static final int IFLA_BRPORT_LEARNING = 8;
    private static final byte[] OFF = {0};

    /** {@code struct ifinfomsg}: family, padding, type, index, flags, which of the flags are meant. */
    static final int IFINFOMSG = 16;

    private static final int INDEX_AT = 4;

    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final int IFA_F_NODAD = 2;

    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_PREFSRC = 7;
    private static final int TABLE_MAIN = 254;
    private static final int PROTOCOL_BOOT = 3;
    private static final int SCOPE_UNIVERSE = 0;
    private static final int SCOPE_LINK = 253;
    private static final int UNICAST = 1;
    private static final int ONLINK = 4;

    private static final int NDA_DST = 1;
    private static final int NDA_LLADDR = 2;
    private static final int PERMANENT = 0x80;

    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;

    /** What a message about a device says of it. */
    static LinkRequest of(NetlinkResponse answer) {
        Map<Integer, byte[]> attributes = answer.attributesAfter(IFINFOMSG);
        byte[] name = attributes.getOrDefault(IFLA_IFNAME, new byte[0]);
        return new LinkRequest(
                NetlinkResponse.text(name),
                answer.body().getInt(INDEX_AT),
                number(attributes, IFLA_LINK),
                number(attributes, IFLA_MASTER));
    }

    private static int number(Map<Integer, byte[]> attributes, int type) {
        byte[] value = attributes.get(type);
        return value == null || value.length < 4
                ? 0
                : ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getInt();
    }

    private NetlinkMessage change(String what, int flags) {
        return new NetlinkMessage(what + " the device " + name, NEWLINK, NetlinkMessage.ACK)
                .u8(0, 0)
                .u16(0)
                .u32(index)
                .u32(flags)
                .u32(flags);
    }

    public NetlinkMessage up() {
        return change("bring up", IFF_UP);
    }

    /** Has a bridge not keep who listens to which group of addresses, of which its ports may tell it without end. */
    public NetlinkMessage withoutSnooping() {
        return change("turn off snooping on", 0)
                .nest(
                        IFLA_LINKINFO,
                        info -> info.put(IFLA_INFO_KIND, "bridge")
                                .nest(IFLA_INFO_DATA, data -> data.put(IFLA_BR_MCAST_SNOOPING, OFF)));
    }

    /** Has a bridge not keep which Ethernet addresses are behind this port of it, which may be any number of them. */
    public NetlinkMessage withoutLearning() {
        return change("turn off learning on", 0)
                .nest(
                        IFLA_LINKINFO,
                        info -> info.put(IFLA_INFO_SLAVE_KIND, "bridge")
                                .nest(IFLA_INFO_SLAVE_DATA, data -> data.put(IFLA_BRPORT_LEARNING, OFF)));
    }

    /** Writes a text of up to 255 bytes on it. */
    public NetlinkMessage alias(String text) {
        return change("name the owner of", 0).put(IFLA_IFALIAS, text);
    }

    /** Has the kernel give it no IPv6 address by itself. To be asked before it is brought up. */
    public NetlinkMessage plain() {
        return change("keep addresses of the kernel's own choice from", 0)
                .nest(
                        IFLA_AF_SPEC,
                        families -> families.nest(
                                AF_INET6, six -> six.put(IFLA_INET6_ADDR_GEN_MODE, new byte[] {(byte) GEN_MODE_NONE})));
    }

    /** Makes it a port of a bridge. */
    public NetlinkMessage portOf(LinkRequest bridge) {
        return change("put under the bridge " + bridge.name + ":", 0).put(IFLA_MASTER, bridge.index);
    }

    /** Gives it an address, without asking the others on the link whether one of them has it. */
    public NetlinkMessage address(String address, int prefix) {
        byte[] bytes = bytes(address);
        NetlinkMessage message = new NetlinkMessage(
                "give the device " + name + " the address " + address + "/" + prefix,
                NEWADDR,
                NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.REPLACE);
        return message.u8(family(bytes), prefix, six(bytes) ? IFA_F_NODAD : 0, SCOPE_UNIVERSE)
                .u32(index)
                .put(IFA_LOCAL, bytes)
                .put(IFA_ADDRESS, bytes);
    }

    /** Sends what is for {@code destination} out by it, to whoever is on its link. */
    public NetlinkMessage route(String destination) {
        return direct(destination);
    }

    /** As {@link #route}, from this address of the host's unless the sender has chosen one. */
    public NetlinkMessage route(String destination, String source) {
        return direct(destination).put(RTA_PREFSRC, bytes(source));
    }

    private NetlinkMessage direct(String destination) {
        byte[] to = bytes(destination);
        return route(destination, family(to), 8 * to.length, six(to) ? SCOPE_UNIVERSE : SCOPE_LINK, 0)
                .put(RTA_DST, to);
    }

    /** Sends everything that nothing else is said of by it to a gateway, which of IPv4 need share no prefix with it. */
    public NetlinkMessage defaultRoute(String gateway) {
        byte[] to = bytes(gateway);
        return route("default", family(to), 0, SCOPE_UNIVERSE, six(to) ? 0 : ONLINK)
                .put(RTA_GATEWAY, to);
    }

    private NetlinkMessage route(String destination, int family, int length, int scope, int flags) {
        return new NetlinkMessage(
                        "route " + destination + " by the device " + name,
                        NEWROUTE,
                        NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.REPLACE)
                .u8(family, length, 0, 0, TABLE_MAIN, PROTOCOL_BOOT, scope, UNICAST)
                .u32(flags)
                .put(RTA_OIF, index);
    }

    /** Says for good which Ethernet address an address on its link has. */
    public NetlinkMessage neighbour(String address, String mac) {
        byte[] bytes = bytes(address);
        return new NetlinkMessage(
                        "tell the device " + name + " where " + address + " is",
                        NEWNEIGH,
                        NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.REPLACE)
                .u8(family(bytes), 0)
                .u16(0)
                .u32(index)
                .u16(PERMANENT)
                .u8(0, 0)
                .put(NDA_DST, bytes)
                .put(NDA_LLADDR, mac(mac));
    }

    static byte[] mac(String text) {
        return HexFormat.ofDelimiter(":").parseHex(text);
    }

    private static byte[] bytes(String address) {
        return InetAddress.ofLiteral(address).getAddress();
    }

    private static boolean six(byte[] address) {
        return address.length != 4;
    }

    private static int family(byte[] address) {
        return six(address) ? AF_INET6 : AF_INET;
    }
}
