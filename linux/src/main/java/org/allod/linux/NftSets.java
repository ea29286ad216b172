package org.allod.linux;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.allod.base.FailedException;

/**
 * Elements of the sets of one nftables table of the family {@code inet}, by nfnetlink ({@code
 * linux/netfilter/nf_tables.h}): what {@code nft add element} does, without a process. The rules that use the sets are
 * written by {@link Nft}.
 *
 * @param table the table's name
 */
public record NftSets(String table) {
    private static final int SUBSYSTEM = 10;
    private static final int NEW_ELEMENT = SUBSYSTEM << 8 | 12;
    private static final int GET_ELEMENT = SUBSYSTEM << 8 | 13;
    private static final int DELETE_ELEMENT = SUBSYSTEM << 8 | 14;
    private static final int BATCH_BEGIN = 0x10;
    private static final int BATCH_END = 0x11;
    private static final int INET = 1;

    /** {@code struct nfgenmsg}: family, version, and the subsystem of a batch, in the network's byte order. */
    private static final int NFGENMSG = 4;

    private static final int LIST_TABLE = 1;
    private static final int LIST_SET = 2;
    private static final int LIST_ELEMENTS = 3;
    private static final int LIST_ELEMENT = 1;
    private static final int ELEMENT_KEY = 1;
    private static final int ELEMENT_EXPRESSION = 7;
    private static final int EXPRESSION_DATA = 2;
    private static final int COUNTER_PACKETS = 2;
    private static final int DATA_VALUE = 1;

    private static final int IFNAMSIZ = 16;

    /** No such element, set or table; or no nftables in this kernel at all, which listing calls an invalid argument. */
    private static final Set<Integer> MISSING = Set.of(Libc.ENOENT, Libc.EOPNOTSUPP);

    /**
     * An element: an address, the name of a device and an address, or the name of a device.
     *
     * @param set the set it is or is to be in
     * @param device the device's name; empty where the set's key is an address alone
     * @param address a literal of the set's family; empty where the key is a device's name alone
     */
    public record Element(String set, String device, String address) {
        /** Parts of a key are padded to whole words: names to 16 bytes, with zeros; addresses are whole already. */
        byte[] key() {
            byte[] of = address.isEmpty()
                    ? new byte[0]
                    : InetAddress.ofLiteral(address).getAddress();
            if (device.isEmpty()) {
                return of;
            }
            byte[] name = device.getBytes(StandardCharsets.UTF_8);
            if (name.length >= IFNAMSIZ) {
                throw new IllegalArgumentException("no device has a name so long: " + device);
            }
            return ByteBuffer.allocate(IFNAMSIZ + of.length)
                    .put(Arrays.copyOf(name, IFNAMSIZ))
                    .put(of)
                    .array();
        }

        String named() {
            return (device + " " + address).strip();
        }

        /** What a key of the kernel's says, in a set of either kind. */
        static Element of(String set, byte[] key) {
            boolean named = key.length > IFNAMSIZ;
            String device = named ? NetlinkResponse.text(Arrays.copyOf(key, IFNAMSIZ)) : "";
            byte[] of = named ? Arrays.copyOfRange(key, IFNAMSIZ, key.length) : key;
            if (of.length != 4 && of.length != 16) {
                throw new FailedException("an element of the set " + set + " has a key of " + key.length + " bytes");
            }
            try {
                return new Element(set, device, InetAddress.getByAddress(of).getHostAddress());
            } catch (UnknownHostException e) {
                throw new FailedException("an element of the set " + set + " has no address", e);
            }
        }
    }

    /** Adds all elements or, if one is refused, none. An element that exists already is no error. */
    public void add(List<Element> elements) {
        List<Netlink.Refusal> refused = transact(elements, "add", NEW_ELEMENT, NetlinkMessage.CREATE);
        if (!refused.isEmpty()) {
            throw refused.getFirst().failed();
        }
    }

    /** Removes those that exist; a missing element, set or table is no error. */
    public void delete(List<Element> elements) {
        if (absent(transact(elements, "delete", DELETE_ELEMENT, 0))) {
            // The batch is atomic here too, and the kernel ignores missing elements only since 6.3: delete one by one.
            elements.forEach(each -> absent(transact(List.of(each), "delete", DELETE_ELEMENT, 0)));
        }
    }

    /** Whether something was missing; throws for any other refusal. */
    private static boolean absent(List<Netlink.Refusal> refused) {
        for (Netlink.Refusal each : refused) {
            if (!MISSING.contains(each.errno())) {
                throw each.failed();
            }
        }
        return !refused.isEmpty();
    }

    /** The elements of a set; empty if there is no such set. */
    public List<Element> list(String set) {
        return dump(set).stream()
                .flatMap(NftSets::list)
                .map(element -> Element.of(set, value(value(element, ELEMENT_KEY), DATA_VALUE)))
                .toList();
    }

    private List<NetlinkResponse> dump(String set) {
        NetlinkMessage request = message(
                        "list the set " + set + " of " + table, GET_ELEMENT, NetlinkMessage.DUMP, INET, 0)
                .put(LIST_TABLE, table)
                .put(LIST_SET, set);
        return PlatformThreads.call("nftables", () -> {
            try (Netlink netlink = Netlink.open(LibcSockets.NETLINK_NETFILTER)) {
                return netlink.list(request, errno -> MISSING.contains(errno) || errno == Libc.EINVAL).stream()
                        .filter(answer -> answer.type() == NEW_ELEMENT)
                        .toList();
            }
        });
    }

    private static Stream<byte[]> list(NetlinkResponse answer) {
        byte[] list = answer.attributesAfter(NFGENMSG).getOrDefault(LIST_ELEMENTS, new byte[0]);
        return NetlinkResponse.list(ByteBuffer.wrap(list)).stream();
    }

    /** What the counters of a set's elements say, in packets, by the devices' names that are its keys. */
    public Map<String, Long> counters(String set) {
        Map<String, Long> packets = new TreeMap<>();
        for (byte[] element : dump(set).stream().flatMap(NftSets::list).toList()) {
            String device = NetlinkResponse.text(value(value(element, ELEMENT_KEY), DATA_VALUE));
            byte[] counter = value(value(element, ELEMENT_EXPRESSION), EXPRESSION_DATA);
            byte[] count = value(counter, COUNTER_PACKETS);
            if (count.length == Long.BYTES) {
                packets.put(device, ByteBuffer.wrap(count).getLong());
            }
        }
        return packets;
    }

    private static byte[] value(byte[] attributes, int type) {
        Map<Integer, byte[]> all = NetlinkResponse.attributes(ByteBuffer.wrap(attributes));
        return all.getOrDefault(type, new byte[0]);
    }

    private List<Netlink.Refusal> transact(List<Element> elements, String verb, int type, int flags) {
        List<NetlinkMessage> batch = new ArrayList<>();
        String all = verb + " elements of the table " + table;
        batch.add(message(all, BATCH_BEGIN, 0, 0, SUBSYSTEM));
        for (Element element : elements) {
            String what = verb + " " + element.named() + (type == NEW_ELEMENT ? " to" : " from") + " the set "
                    + element.set() + " of " + table;
            batch.add(message(what, type, flags | NetlinkMessage.ACK, INET, 0)
                    .put(LIST_TABLE, table)
                    .put(LIST_SET, element.set())
                    .nest(
                            LIST_ELEMENTS,
                            list -> list.nest(
                                    LIST_ELEMENT,
                                    one -> one.nest(ELEMENT_KEY, key -> key.put(DATA_VALUE, element.key())))));
        }
        batch.add(message(all, BATCH_END, 0, 0, SUBSYSTEM));
        return PlatformThreads.call("nftables", () -> {
            try (Netlink netlink = Netlink.open(LibcSockets.NETLINK_NETFILTER)) {
                return netlink.tell(batch);
            }
        });
    }

    private static NetlinkMessage message(String what, int type, int flags, int family, int subsystem) {
        // The subsystem's number is below 256, so its second byte is the number whatever the byte order.
        return new NetlinkMessage(what, type, flags).u8(family, 0, 0, subsystem);
    }
}
