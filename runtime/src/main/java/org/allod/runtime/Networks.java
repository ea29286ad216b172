package org.allod.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.ParallelTasks;
import org.allod.linux.NetNs;
import org.allod.linux.Rtnetlink;

/**
 * The machines' networks on this host: for each its own namespace and a {@link MachineLink}, and one packet filter
 * table ({@link MachineFirewall}) that denies by default. The kernel holds all state; what is cached here only saves
 * queries, so a restarted daemon finds everything as it was.
 *
 * <p>A link's owner is recorded on the device itself, as its alias, so that two daemons on one host never take each
 * other's.
 */
public final class Networks {
    private static final Path DEVICES = Path.of("/sys/class/net");

    private final NetworkConfig config;
    private final MachineFirewall table;
    private final UplinkForwarding uplinks;
    private final String owner;

    /** Links that are complete, except for what a guest may have removed from the inside. */
    private final Map<MachineId, MachineLink> ready = new ConcurrentHashMap<>();

    /** Of those, the ones whose inside no guest has used since. */
    private final Set<MachineId> whole = ConcurrentHashMap.newKeySet();

    private boolean tableReady;

    /** Devices that the table guards now. */
    private Set<String> guarded = Set.of();

    public Networks(NetworkConfig config) {
        this.config = config;
        this.table = new MachineFirewall(config);
        this.uplinks = new UplinkForwarding();
        this.owner = "allod:" + config.instance();
    }

    /** Name servers that guests may query. */
    public List<String> resolvers() {
        return config.resolvers();
    }

    /**
     * Creates what is missing of the machine's network: for a guest that takes over the device itself or, with {@code
     * tap}, for one that opens a tap as that user.
     */
    public MachineLink setUp(MachineId machine, String address6, Optional<Integer> tap) {
        MachineLink known = ready.get(machine);
        if (known != null && known.address6().equals(address6) && known.tap().equals(tap)) {
            return known;
        }
        ensureTable();
        MachineLink link;
        synchronized (this) { // two machines must not choose the same IPv4 address
            link = make(machine, address6, tap);
        }
        // A machine that is not in the table yet can neither send nor receive, so the order does not matter.
        MachineLink made = link;
        ParallelTasks.run(
                () -> {
                    refresh(made);
                    UplinkForwarding.forward(made.device());
                    made.withoutArp();
                },
                () -> table.add(made));
        ready.put(machine, link);
        return link;
    }

    private MachineLink make(MachineId machine, String address6, Optional<Integer> tap) {
        Ipv4Allocator taken = Ipv4Allocator.ofHost();
        MachineLink link = new MachineLink(machine, address6, taken.choose(machine), tap);
        boolean there = link.present() && deviceExists(link.device()) && complete(link);
        if (!there) {
            takeDown(machine);
        }
        Rtnetlink.here(host -> {
            if (!there) {
                link.make(host, table.group(), owner);
            }
            link.host(host);
            return link;
        });
        if (!there) {
            tap.ifPresent(link::makeTap);
        }
        return link;
    }

    /**
     * Whether the link is complete. One that a crash left incomplete, or that was made for the other kind of guest, is
     * rebuilt.
     */
    private boolean complete(MachineLink link) {
        return owner.equals(alias(link.device())) && link.isInsideComplete();
    }

    /** Restores the inside's addresses and routes, which a guest may have removed. */
    public void refresh(MachineLink link) {
        if (!whole.contains(link.machine())) {
            Rtnetlink.inside(link.namespace(), inside -> {
                link.inside(inside);
                return link;
            });
            whole.add(link.machine());
        }
    }

    /** A guest is about to take over the inside: it must be refreshed before the next boot. */
    public void markInUse(MachineId machine) {
        whole.remove(machine);
    }

    /** Removes everything that exists of the machine's network. */
    public void remove(MachineId machine) {
        MachineLink known = ready.remove(machine);
        whole.remove(machine);
        if (known != null) {
            table.remove(known);
        } else {
            table.remove(machine);
        }
        takeDown(machine);
        table.forgetRates(machine); // nothing comes from the device any more that would begin them anew
    }

    /** Deletes the device first, which deletes its other end: a namespace disappears only with its last process. */
    private void takeDown(MachineId machine) {
        if (deviceExists(MachineLink.device(machine))) {
            boolean _ = Rtnetlink.here(host -> host.delete(MachineLink.device(machine)));
        }
        NetNs.delete(MachineLink.namespace(machine));
    }

    /** The machines of this instance that have a link on this host. */
    public Set<MachineId> present() {
        Set<MachineId> machines = new TreeSet<>();
        try (DirectoryStream<Path> devices = Files.newDirectoryStream(DEVICES)) {
            for (Path device : devices) {
                String name = device.getFileName().toString();
                MachineLink.machineOf(name)
                        .filter(m -> owner.equals(alias(name)))
                        .ifPresent(machines::add);
            }
        } catch (IOException e) {
            throw new FailedException("cannot list network devices in " + DEVICES + ": " + e.getMessage(), e);
        }
        return machines;
    }

    /**
     * Traffic over a machine's link, from the guest's perspective; -1 if it has no link.
     *
     * @param received bytes into the guest
     * @param sent bytes out of it
     */
    public record Traffic(long received, long sent) {}

    public Traffic traffic(MachineId machine) {
        Path statistics = DEVICES.resolve(MachineLink.device(machine)).resolve("statistics");
        // The host's end counts the opposite direction.
        return new Traffic(counter(statistics.resolve("tx_bytes")), counter(statistics.resolve("rx_bytes")));
    }

    /** Packets of the last day that were refused because a machine exceeded its connection limits. */
    public Map<MachineId, Long> refused() {
        Map<MachineId, Long> refused = new TreeMap<>();
        table.refused()
                .forEach((device, packets) -> MachineLink.machineOf(device).ifPresent(m -> refused.put(m, packets)));
        return refused;
    }

    /** Removes the packet filter table, when the last machine and the daemon are gone. */
    public synchronized void removeTable() {
        tableReady = false;
        ready.clear();
        whole.clear();
        table.removeAll();
    }

    private synchronized void ensureTable() {
        Set<String> links = new HashSet<>(uplinks.open());
        if (!tableReady) {
            table.ensure(links);
            tableReady = true;
        } else if (!links.equals(guarded)) {
            table.guard(links);
        }
        guarded = Set.copyOf(links);
    }

    private static boolean deviceExists(String device) {
        return Files.exists(DEVICES.resolve(device));
    }

    private static String alias(String device) {
        try {
            return Files.readString(DEVICES.resolve(device).resolve("ifalias")).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private static long counter(Path file) {
        try {
            return Long.parseLong(
                    Files.readString(file, StandardCharsets.US_ASCII).strip());
        } catch (IOException | NumberFormatException e) {
            return -1;
        }
    }
}
