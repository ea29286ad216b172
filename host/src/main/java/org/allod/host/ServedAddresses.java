package org.allod.host;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.List;
import java.util.TreeSet;
import org.allod.base.FailedException;

/** The addresses at which clients reach the edge: the one it listens on, or all of the host's if it listens on any. */
final class ServedAddresses {
    private ServedAddresses() {}

    static List<String> of(InetSocketAddress edge) {
        InetAddress at = edge.getAddress();
        if (!at.isAnyLocalAddress()) {
            return List.of(text(at));
        }
        TreeSet<String> all = new TreeSet<>();
        try {
            for (NetworkInterface device : NetworkInterface.networkInterfaces().toList()) {
                if (device.isUp() && !device.isLoopback() && !device.getName().startsWith("ald")) {
                    device.inetAddresses()
                            .filter(a -> !a.isLinkLocalAddress() && !a.isLoopbackAddress())
                            // `0.0.0.0` is IPv4 only; `::` is both.
                            .filter(a -> at.getAddress().length == 16 || a.getAddress().length == 4)
                            .forEach(a -> all.add(text(a)));
                }
            }
        } catch (SocketException e) {
            throw new FailedException("cannot read the addresses of this host: " + e.getMessage(), e);
        }
        return List.copyOf(all);
    }

    private static String text(InetAddress address) {
        String text = address.getHostAddress();
        int zone = text.indexOf('%');
        return zone < 0 ? text : text.substring(0, zone);
    }
}
