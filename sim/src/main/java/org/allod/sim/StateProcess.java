package org.allod.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.allod.base.Rng;
import org.allod.state.Agent;
import org.allod.state.AgentOptions;
import org.allod.state.ChangeSet;
import org.allod.state.HostInfo;
import org.allod.state.LocalWrite;
import org.allod.state.Member;
import org.allod.state.MemoryReplica;
import org.allod.state.Outbox;
import org.allod.state.Replica;
import org.allod.state.RowChange;
import org.allod.state.SiteId;
import org.allod.state.VersionVector;
import org.jspecify.annotations.Nullable;

/** One life of one host that runs the room {@code state}: the real agent over rows in memory and a simulated disk. */
final class StateProcess implements SimulatedProcess, Outbox {
    static final long FLEET = 0xa110d;

    private final SimulatedHost host;
    private final SimulatedNetwork network;
    private final SimulatedDisk<DiskRecord> disk;
    private final StateChecker checker;
    private final PlantedBug bug;
    private final MemoryReplica replica;
    private final Agent agent;
    private final int life;
    private final ArrayDeque<List<LocalWrite>> waiting = new ArrayDeque<>();
    private boolean writing;
    private Propagation.@Nullable Watcher watcher;

    StateProcess(
            SimulatedHost host,
            SimulatedNetwork network,
            SimulatedDisk<DiskRecord> disk,
            List<DiskRecord> found,
            AgentOptions options,
            StateChecker checker,
            PlantedBug bug,
            Rng rng) {
        this.host = host;
        this.network = network;
        this.disk = disk;
        this.checker = checker;
        this.bug = bug;
        this.life = host.life();
        replica = new MemoryReplica(site(host), StateWorkload.SCHEMA, PlantedBugs.join(bug));
        long boots = 1;
        for (DiskRecord entry : found) {
            switch (entry) {
                case DiskRecord.Boot b -> boots++;
                case DiskRecord.Applied a -> replica.apply(List.of(a.set()));
                case DiskRecord.Merged m -> replica.merge(m.rows());
                case DiskRecord.Claimed c -> replica.claim(c.vector());
            }
        }
        long incarnation = bug == PlantedBug.INCARNATION_REUSED ? 0 : boots << 20;
        checker.booted(host, incarnation, replica);
        HostInfo self = new HostInfo(site(host), host.address, host.place.name());
        Replica seenByAgent = PlantedBugs.replica(bug, replica);
        agent = new Agent(FLEET, self, incarnation, options, seenByAgent, this, rng, host.now());
        disk.append(new DiskRecord.Boot(), () -> {});
    }

    static SiteId site(SimulatedHost host) {
        return new SiteId(0x4000L, 0x8000_0000_0000_0000L | (host.number * 0x9e3779b97f4aL + 1));
    }

    Agent agent() {
        return agent;
    }

    MemoryReplica replica() {
        return replica;
    }

    void join(List<SimulatedHost> seeds) {
        List<String> addresses = new ArrayList<>();
        seeds.forEach(s -> addresses.add(s.address));
        agent.join(addresses, host.now());
        host.schedule();
    }

    /**
     * A transaction of this host. Nobody sees it before it is on the disk, neither by broadcast nor by sync: its number
     * would be given out again after a crash. So it waits its turn, as at the one writer of a database.
     */
    void write(List<LocalWrite> writes) {
        waiting.add(writes);
        if (!writing) {
            writeNext();
        }
    }

    private void writeNext() {
        writing = false;
        while (!writing && !waiting.isEmpty()) {
            replica.prepare(waiting.removeFirst()).ifPresent(set -> {
                checker.written(host, set);
                writing = true;
                if (bug == PlantedBug.ACK_BEFORE_WRITE) {
                    acknowledge(set);
                    disk.append(new DiskRecord.Applied(set), this::writeNext);
                } else {
                    disk.append(new DiskRecord.Applied(set), () -> {
                        acknowledge(set);
                        writeNext();
                    });
                }
            });
        }
    }

    private void acknowledge(ChangeSet set) {
        if (host.life() == life) {
            replica.apply(List.of(set));
            checker.acknowledged(host, set);
            agent.publish(set, host.now());
            host.schedule();
        }
    }

    @Override
    public void receive(byte[] message, long now) {
        agent.receive(message, now);
    }

    @Override
    public void tick(long now) {
        agent.tick(now);
    }

    @Override
    public long deadline() {
        return agent.deadline();
    }

    @Override
    public void send(String address, byte[] message) {
        network.send(host, address, message);
    }

    void watch(Propagation.Watcher who) {
        watcher = who;
    }

    @Override
    public void changed(Member member) {
        Propagation.Watcher told = watcher;
        if (told != null) {
            told.changed(host, member);
        }
    }

    @Override
    public void deliver(ChangeSet set) {
        checker.delivered(host, set);
        replica.apply(List.of(set));
        disk.append(new DiskRecord.Applied(set), () -> {});
    }

    @Override
    public void merge(List<RowChange> rows) {
        replica.merge(rows);
        disk.append(new DiskRecord.Merged(rows), () -> {});
    }

    @Override
    public void claim(VersionVector vector) {
        replica.claim(vector);
        disk.append(new DiskRecord.Claimed(vector), () -> {});
    }
}
