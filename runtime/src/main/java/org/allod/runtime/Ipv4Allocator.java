package org.allod.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.allod.base.FailedException;
import org.allod.base.MachineId;

/**
 * Chooses machines' IPv4 addresses in this host's 100.64.0.0/10: by the machine's number, or the next free one if that
 * is taken. Nothing is stored: the host's routing table shows which addresses are taken.
 */
final class Ipv4Allocator {
    private static final int BASE = 100 << 24 | 64 << 16;
    private static final int SPAN = 1 << 22;

    /** The first few addresses belong to the host. */
    private static final int RESERVED = 256;

    private final Map<Integer, String> deviceOf;

    Ipv4Allocator(Map<Integer, String> deviceOf) {
        this.deviceOf = Map.copyOf(deviceOf);
    }

    static Ipv4Allocator ofHost() {
        try {
            return new Ipv4Allocator(parse(Files.readString(Path.of("/proc/net/route"))));
        } catch (IOException e) {
            throw new FailedException("cannot read the host's routing table: " + e.getMessage(), e);
        }
    }

    /** Parses the routing table's host routes: {@code device destination gateway …}, in hexadecimal, low byte first. */
    static Map<Integer, String> parse(String table) {
        Map<Integer, String> routes = new HashMap<>();
        for (String line : table.lines().skip(1).toList()) {
            String[] fields = line.trim().split("\\s+", -1);
            if (fields.length > 7 && fields[7].equals("FFFFFFFF")) {
                routes.put(Integer.reverseBytes(Integer.parseUnsignedInt(fields[1], 16)), fields[0]);
            }
        }
        return routes;
    }

    /** The machine's address: its current one, or the first free one. */
    String choose(MachineId machine) {
        String device = MachineLink.device(machine);
        for (Map.Entry<Integer, String> route : deviceOf.entrySet()) {
            if (route.getValue().equals(device) && inRange(route.getKey())) {
                return text(route.getKey());
            }
        }
        int first = (int) Long.remainderUnsigned(machine.bits() * 0x9e3779b97f4a7c15L, SPAN - RESERVED);
        for (int i = 0; i < SPAN - RESERVED; i++) {
            int address = BASE + RESERVED + (first + i) % (SPAN - RESERVED);
            if (!deviceOf.containsKey(address)) {
                return text(address);
            }
        }
        throw new FailedException("no free IPv4 address is left in 100.64.0.0/10 for machine " + machine);
    }

    private static boolean inRange(int address) {
        return address - BASE >= RESERVED && address - BASE < SPAN;
    }

    private static String text(int address) {
        return "%d.%d.%d.%d".formatted(address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff);
    }
}
