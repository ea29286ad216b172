package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.allod.linux.Sysctl;

/**
 * Enables forwarding for exactly the devices that need it: the machines' and the host's uplinks. Uplinks whose
 * forwarding was enabled here must not forward to each other ({@link MachineFirewall} guards them): a host that was not
 * a router becomes one only for its machines.
 */
final class UplinkForwarding {
    private final Set<String> opened = new TreeSet<>();

    /** Enables forwarding on the current uplinks; returns every device that this process has enabled. */
    synchronized Set<String> open() {
        for (String device : defaultRoutes()) {
            if (forward(device)) {
                opened.add(device);
            }
        }
        return Set.copyOf(opened);
    }

    /** Enables forwarding for this device; returns true if it was off before. */
    static boolean forward(String device) {
        boolean four = set("net/ipv4/conf/" + device + "/forwarding");
        String force = "net/ipv6/conf/" + device + "/force_forwarding"; // Linux 6.17 and later
        boolean six = Sysctl.read(force).isPresent() ? set(force) : forwardAll6();
        return four || six;
    }

    /**
     * Before 6.17 IPv6 forwards on all devices or none. A forwarding host ignores router advertisements and would lose
     * its own route, unless accept_ra is 2.
     */
    private static boolean forwardAll6() {
        String all = "net/ipv6/conf/all/forwarding";
        if (!Sysctl.read(all).equals(Optional.of("0"))) {
            return false;
        }
        for (String device : devices()) {
            String accept = "net/ipv6/conf/" + device + "/accept_ra";
            if (Sysctl.read(accept).equals(Optional.of("1"))) {
                Sysctl.write(accept, "2");
            }
        }
        Sysctl.write(all, "1");
        return true;
    }

    private static boolean set(String path) {
        if (!Sysctl.read(path).equals(Optional.of("0"))) {
            return false; // on already, or a family this kernel lacks
        }
        Sysctl.write(path, "1");
        return true;
    }

    private static Set<String> devices() {
        Set<String> names = new TreeSet<>();
        try (var files = Files.newDirectoryStream(Path.of("/proc/sys/net/ipv6/conf"))) {
            files.forEach(file -> names.add(file.getFileName().toString()));
        } catch (IOException e) {
            return names; // this kernel has no IPv6
        }
        return names;
    }

    private static Set<String> defaultRoutes() {
        Set<String> names = new TreeSet<>();
        names.addAll(parse4(read("/proc/net/route")));
        names.addAll(parse6(read("/proc/net/ipv6_route")));
        names.remove("lo");
        return names;
    }

    static Set<String> parse4(String table) {
        Set<String> names = new TreeSet<>();
        for (String line : table.lines().skip(1).toList()) {
            String[] fields = line.trim().split("\\s+", -1);
            if (fields.length > 7 && fields[1].equals("00000000") && fields[7].equals("00000000")) {
                names.add(fields[0]);
            }
        }
        return names;
    }

    static Set<String> parse6(String table) {
        Set<String> names = new TreeSet<>();
        for (String line : table.lines().toList()) {
            String[] fields = line.trim().split("\\s+", -1);
            if (fields.length > 9 && fields[0].matches("0+") && fields[1].equals("00")) {
                names.add(fields[9]);
            }
        }
        return names;
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            return "";
        }
    }
}
