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
 * The machines' networks on this host: each its own namespace, a {@link MachineLink} to it, and one packet filter table of
 * ours ({@link MachineFirewall}) that denies by default. The kernel holds all of it; what is remembered here only saves
 * asking again, so a restarted daemon finds everything as it was.
 *
 * <p>Whose a wire is stands on the device itself, as its alias: two daemons on one host never take each other's.
 */
public final class Networks {
    private static final Path DEVICES = Path.of("/sys/class/net");

    private final NetworkConfig config;
    private final MachineFirewall table;
    private final UplinkForwarding uplinks;
    private final String owner;

    /** Wires whose every part is known to be in place, but for what a guest may have taken off the inside. */
    private final Map<MachineId, MachineLink> ready = new ConcurrentHashMap<>();

    /** Of those, the ones of which no guest has taken anything off the inside since. */
    private final Set<MachineId> whole = ConcurrentHashMap.newKeySet();

    private boolean tableReady;

    /** Devices that the table guards by now. */
    private Set<String> guarded = Set.of();

    public Networks(NetworkConfig config) {
        this.config = config;
        this.table = new MachineFirewall(config);
        this.uplinks = new UplinkForwarding();
        this.owner = "allod:" + config.instance();
    }

    /** Name servers guests may ask. */
    public List<String> resolvers() {
        return config.resolvers();
    }

    /**
     * Makes what is missing of the machine's network, for a guest that takes the device itself, or, with {@code tap},
     * for one that opens a tap as that user.
     */
    public MachineLink setUp(MachineId machine, String address6, Optional<Integer> tap) {
        MachineLink known = ready.get(machine);
        if (known != null && known.address6().equals(address6) && known.tap().equals(tap)) {
            return known;
        }
        ensureTable();
        MachineLink link;
        synchronized (this) { // two machines may not choose one IPv4 address
            link = make(machine, address6, tap);
        }
        // A machine that the table does not know yet may send and get nothing, so the order is all the same.
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

    /** A wire that a crash left half made, or made for another kind of guest, is made anew. */
    private boolean complete(MachineLink link) {
        return owner.equals(alias(link.device())) && link.isInsideComplete();
    }

    /** Gives the inside its addresses and routes again, where a guest may have taken them off. */
    public void refresh(MachineLink link) {
        if (!whole.contains(link.machine())) {
            Rtnetlink.inside(link.namespace(), inside -> {
                link.inside(inside);
                return link;
            });
            whole.add(link.machine());
        }
    }

    /** A guest is about to take the inside for itself: before its next boot it is to be refreshed. */
    public void markInUse(MachineId machine) {
        whole.remove(machine);
    }

    /** Removes everything of the machine's network, whatever there is of it. */
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

    /** Deleting a device deletes its other end; a namespace dies with its last process, so the device goes first. */
    private void takeDown(MachineId machine) {
        if (deviceExists(MachineLink.device(machine))) {
            boolean _ = Rtnetlink.here(host -> host.delete(MachineLink.device(machine)));
        }
        NetNs.delete(MachineLink.namespace(machine));
    }

    /** The machines of this instance of which a wire is on this host. */
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
     * What went over a machine's wire, seen from the guest; -1 where it has none.
     *
     * @param received bytes into the guest
     * @param sent bytes out of it
     */
    public record Traffic(long received, long sent) {}

    public Traffic traffic(MachineId machine) {
        Path statistics = DEVICES.resolve(MachineLink.device(machine)).resolve("statistics");
        // The host's end sees it the other way round.
        return new Traffic(counter(statistics.resolve("tx_bytes")), counter(statistics.resolve("rx_bytes")));
    }

    /** Packets by which machines would have begun more connections than they may have, of the last day. */
    public Map<MachineId, Long> refused() {
        Map<MachineId, Long> refused = new TreeMap<>();
        table.refused()
                .forEach((device, packets) -> MachineLink.machineOf(device).ifPresent(m -> refused.put(m, packets)));
        return refused;
    }

    /** Takes the packet filter table away: for when the last machine is gone and the daemon with it. */
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
