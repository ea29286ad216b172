package org.allod.edge;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The first bytes of a raw connection to a machine that asks for the client's address: HAProxy's PROXY protocol
 * (proxy-protocol.txt), version 1 in text, version 2 in binary.
 */
final class ProxyHeader {
    private static final byte[] SIGNATURE = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
    private static final byte PROXIED = 0x21;
    private static final byte TCP4 = 0x11;
    private static final byte TCP6 = 0x21;

    private ProxyHeader() {}

    static byte[] of(int version, InetSocketAddress client, InetSocketAddress here) {
        boolean four = client.getAddress() instanceof Inet4Address && here.getAddress() instanceof Inet4Address;
        if (version == 1) {
            return "PROXY %s %s %s %d %d\r\n"
                    .formatted(
                            four ? "TCP4" : "TCP6",
                            text(client.getAddress(), four),
                            text(here.getAddress(), four),
                            client.getPort(),
                            here.getPort())
                    .getBytes(StandardCharsets.US_ASCII);
        }
        byte[] from = bytes(client.getAddress(), four);
        byte[] to = bytes(here.getAddress(), four);
        return ByteBuffer.allocate(SIGNATURE.length + 4 + from.length + to.length + 4)
                .put(SIGNATURE)
                .put(PROXIED)
                .put(four ? TCP4 : TCP6)
                .putShort((short) (from.length + to.length + 4))
                .put(from)
                .put(to)
                .putShort((short) client.getPort())
                .putShort((short) here.getPort())
                .array();
    }

    private static String text(InetAddress address, boolean four) {
        String text = address.getHostAddress();
        int zone = text.indexOf('%');
        String bare = zone < 0 ? text : text.substring(0, zone);
        return four || bare.contains(":") ? bare : "::ffff:" + bare;
    }

    private static byte[] bytes(InetAddress address, boolean four) {
        byte[] raw = address.getAddress();
        if (four || raw.length == 16) {
            return raw;
        }
        byte[] mapped = new byte[16];
        mapped[10] = (byte) 0xff;
        mapped[11] = (byte) 0xff;
        System.arraycopy(raw, 0, mapped, 12, 4);
        return mapped;
    }
}
