package org.allod.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.allod.base.Rng;
import org.allod.state.AgentOptions;
import org.allod.state.Member;
import org.allod.state.MemberStatus;
import org.allod.state.MemoryReplica;
import org.jspecify.annotations.Nullable;

/**
 * A fleet with replicated state under faults: hosts start, write, crash and restart with what their disks kept, and the
 * network loses, delays and partitions. Invariants are checked all the time ({@link StateChecker}). Then all faults
 * heal and writes end; within a bound all hosts must see one another and hold the same rows, which must be the result
 * of all acknowledged writes.
 */
public final class StateSimulation {
    private static final long SECOND = 1_000_000_000L;
    private static final long ACTIVE = 30 * SECOND;
    private static final long BOUND = 120 * SECOND;

    private final long seed;
    private final PlantedBug bug;
    private final EventQueue events = new EventQueue();
    private final List<String> log = new ArrayList<>();
    private final StateChecker checker = new StateChecker(events, log);
    private final Rng rng;
    private final SimulatedNetwork network;
    private final StateWorkload workload;
    private final FaultPlan plan;
    private final List<SimulatedDisk<DiskRecord>> disks = new ArrayList<>();
    private final List<@Nullable StateProcess> processes = new ArrayList<>();
    /** Hosts that die right after their next write, before it can be on the disk. */
    private final TreeSet<Integer> armed = new TreeSet<>();

    private boolean healed;

    public StateSimulation(long seed, int hosts, PlantedBug bug) {
        this.seed = seed;
        this.bug = bug;
        rng = Rng.seeded(seed);
        network = new SimulatedNetwork(events, rng.fork("network"));
        workload = new StateWorkload(rng.fork("workload"));
        plan = FaultPlan.draw(rng.fork("faults"), hosts, ACTIVE);
        Rng places = rng.fork("places");
        for (int i = 0; i < hosts; i++) {
            network.add(Place.pick(places));
            disks.add(new SimulatedDisk<>(events, rng.fork("disk" + i), bug == PlantedBug.FLUSH_DROPPED));
            processes.add(null);
        }
    }

    /** Runs it all. */
    public Result run() {
        Optional<String> violation = Optional.empty();
        long converged = -1;
        try {
            plan.faults().forEach(f -> checker.log("planned: " + f));
            startAll();
            writeOnAndOn();
            plan.faults().forEach(f -> events.at(f.at(), () -> begin(f)));
            events.runUntil(ACTIVE);
            heal();
            converged = settle();
        } catch (Violation e) {
            violation = Optional.of(String.valueOf(e.getMessage()));
            checker.log("VIOLATION " + e.getMessage());
        }
        checker.log("events %d, trace %016x".formatted(events.happened(), network.trace()));
        return new Result(
                seed, network.hosts().size(), violation, checker.acknowledgedCount(), converged, List.copyOf(log));
    }

    /**
     * What a run came to.
     *
     * @param acknowledged change sets acknowledged
     * @param convergedNanos virtual time from healing until all hosts were equal; negative where they never were
     * @param log one line for each thing that happened
     */
    public record Result(
            long seed,
            int hosts,
            Optional<String> violation,
            int acknowledged,
            long convergedNanos,
            List<String> log) {}

    private void startAll() {
        Rng starts = rng.fork("starts");
        for (SimulatedHost host : network.hosts()) {
            events.at(host.number == 0 ? 0 : starts.nextLong(2 * SECOND), () -> boot(host));
        }
    }

    private void boot(SimulatedHost host) {
        if (host.isUp()) {
            return;
        }
        List<DiskRecord> found = disks.get(host.number).records();
        Rng clock = rng.fork("clock" + host.number + "/" + host.life());
        host.boot(clock.nextLong(1L << 44), 0.999 + clock.nextDouble() / 500);
        StateProcess process = new StateProcess(
                host,
                network,
                disks.get(host.number),
                found,
                options(),
                checker,
                bug,
                rng.fork("process" + host.number + "/" + host.life()));
        processes.set(host.number, process);
        host.run(process);
        checker.log("h%d in %s starts, life %d, %d records on its disk"
                .formatted(host.number, host.place.name(), host.life(), found.size()));
        process.join(network.hosts().subList(0, Math.min(3, network.hosts().size())));
    }

    /** Every other seed with pages so small that each sync session has many, and is cut off in the middle. */
    private AgentOptions options() {
        AgentOptions usual = AgentOptions.defaults();
        return seed % 2 == 0
                ? usual
                : new AgentOptions(
                        usual.membership(), usual.broadcast(), usual.sync().withPageRows(2));
    }

    private void crash(SimulatedHost host) {
        if (host.isUp()) {
            host.kill();
            disks.get(host.number).crash();
            processes.set(host.number, null);
            checker.log("h%d is killed".formatted(host.number));
        }
    }

    private void writeOnAndOn() {
        Rng writes = rng.fork("writes");
        Runnable[] next = new Runnable[1];
        next[0] = () -> {
            if (healed) {
                return;
            }
            StateProcess process = processes.get(writes.nextInt(processes.size()));
            if (process != null) {
                SimulatedHost host = network.hosts().get(processes.indexOf(process));
                process.write(workload.transaction(host));
                if (armed.remove(host.number)) {
                    crash(host);
                }
            }
            // Often two at once, before either can know of the other.
            events.after(writes.chance(0.4) ? writes.nextLong(5_000_000) : writes.nextLong(300_000_000), next[0]);
        };
        events.after(SECOND, next[0]);
    }

    private void begin(FaultPlan.Fault fault) {
        checker.log("begins: " + fault);
        SimulatedHost host = network.hosts().get(fault.host());
        switch (fault.kind()) {
            case LOSSY -> network.faults(new NetworkFaults(0.3 * fault.strength(), 0.1 * fault.strength(), 0, 0));
            case DELAYS -> network.faults(new NetworkFaults(0.01, 0.05, 0.2, (long) (SECOND * fault.strength())));
            case PARTITION -> split(fault, true);
            case ONE_WAY -> split(fault, false);
            case SLOW -> network.slow(host, (long) (SECOND * fault.strength()));
            case STALL -> host.stall(fault.lasting());
            case CRASH -> crash(host);
            case CRASH_AT_WRITE -> armed.add(fault.host());
            case CRASH_MANY ->
                network.hosts().stream().filter(h -> side(fault, h)).forEach(this::crash);
            case SLOW_DISK -> disks.get(fault.host()).flushNanos((long) (SECOND * fault.strength()) + 1);
        }
        events.after(fault.lasting(), () -> end(fault));
    }

    private void end(FaultPlan.Fault fault) {
        if (healed) {
            return;
        }
        checker.log("ends: " + fault);
        SimulatedHost host = network.hosts().get(fault.host());
        switch (fault.kind()) {
            case LOSSY, DELAYS -> network.faults(NetworkFaults.NONE);
            case PARTITION, ONE_WAY -> network.healCuts();
            case SLOW -> network.slow(host, 0);
            case STALL -> {
                // It runs again by itself.
            }
            case CRASH, CRASH_AT_WRITE -> boot(host);
            case CRASH_MANY -> network.hosts().forEach(this::boot);
            case SLOW_DISK -> disks.get(fault.host()).flushNanos(1_000_000);
        }
    }

    private static boolean side(FaultPlan.Fault fault, SimulatedHost host) {
        return Rng.seeded(fault.at()).fork("side" + host.number).chance(fault.strength());
    }

    private void split(FaultPlan.Fault fault, boolean bothWays) {
        for (SimulatedHost a : network.hosts()) {
            for (SimulatedHost b : network.hosts()) {
                if (side(fault, a) && !side(fault, b)) {
                    network.cut(a, b);
                    if (bothWays) {
                        network.cut(b, a);
                    }
                }
            }
        }
    }

    private void heal() {
        healed = true;
        armed.clear();
        network.heal();
        disks.forEach(d -> d.flushNanos(1_000_000));
        network.hosts().forEach(this::boot);
        checker.log("everything heals");
    }

    private long settle() {
        long from = events.now();
        String missing = "";
        while (events.now() - from < BOUND) {
            events.runUntil(events.now() + SECOND / 4);
            missing = missing();
            if (missing.isEmpty()) {
                checker.log("all %d hosts are equal and see one another".formatted(processes.size()));
                return events.now() - from;
            }
        }
        throw new Violation("not settled %.0f s after everything healed: ".formatted(BOUND / 1e9) + missing);
    }

    /** What is still not as it should be; empty where nothing is. */
    private String missing() {
        MemoryReplica expected = checker.expected();
        long hash = expected.contentHash();
        for (int i = 0; i < processes.size(); i++) {
            StateProcess process = processes.get(i);
            if (process == null) {
                return "h" + i + " is not up";
            }
            if (process.replica().contentHash() != hash) {
                return "the rows of h%d are not those that all writes make: %s"
                        .formatted(i, process.replica().difference(expected));
            }
            int alive = 0;
            for (Member member : process.agent().membership().members()) {
                alive += member.status() == MemberStatus.ALIVE ? 1 : 0;
            }
            if (alive != processes.size() - 1) {
                return "h%d sees %d of %d others".formatted(i, alive, processes.size() - 1);
            }
        }
        return "";
    }
}
