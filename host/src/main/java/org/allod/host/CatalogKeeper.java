package org.allod.host;

import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import org.allod.base.MachineId;
import org.allod.edge.App;
import org.allod.edge.Catalog;
import org.allod.edge.Door;
import org.allod.edge.Edge;
import org.allod.edge.SelfSigned;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;

/**
 * Keeps the edge's catalog in step with the machines. Changes are taken as they come and published together: a hundred
 * machines changing at once are a few catalogs, not a hundred.
 */
final class CatalogKeeper implements AutoCloseable {
    private final Machines machines;
    private final Edge edge;
    private final LinkedBlockingQueue<String> changed = new LinkedBlockingQueue<>();
    private final SelfSigned certificate;
    private final ImageStatics statics;
    /** By app: its ways in. */
    private final Map<String, Ways> apps = new HashMap<>();

    private final Map<MachineId, MachineState> states = new ConcurrentHashMap<>();
    private final Thread thread;

    CatalogKeeper(Machines machines, Edge edge, SelfSigned certificate, ImageStatics statics) {
        this.machines = machines;
        this.edge = edge;
        this.certificate = certificate;
        this.statics = statics;
        this.thread = Thread.ofVirtual().name("catalog").unstarted(this::run);
    }

    /** Publishes everything once, then each change. */
    void start() {
        machines.listen(this::changed);
        machines.all().stream()
                .filter(m -> m.state() == MachineState.STARTED)
                .forEach(m -> states.put(m.id(), m.state()));
        machines.apps().forEach(app -> rebuild(app.name()));
        publish();
        thread.start();
    }

    private void changed(Machine m) {
        if (m.state() == MachineState.STARTED) {
            if (states.put(m.id(), m.state()) != MachineState.STARTED) {
                // It was drained on its way down; it is up again, so its requests may come.
                edge.undrain(m.id());
            }
        } else {
            states.remove(m.id());
        }
        changed.add(m.app());
    }

    private void run() {
        try {
            while (true) {
                Set<String> names = new HashSet<>();
                names.add(changed.take());
                changed.drainTo(names);
                names.forEach(this::rebuild);
                publish();
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    private void publish() {
        Map<String, App> routes = new HashMap<>();
        Map<Integer, Door> doors = new TreeMap<>();
        for (Ways ways : apps.values()) {
            routes.putAll(ways.routes());
            // Who has a raw port is settled when a machine is made; two apps with one are left from another time.
            ways.doors().forEach(door -> doors.putIfAbsent(door.port(), door));
        }
        if (doors.values().stream().anyMatch(Door::tls)) {
            certificate.ensure();
        }
        edge.publish(new Catalog(routes, List.copyOf(doors.values())));
    }

    private void rebuild(String name) {
        List<Machine> all = machines.of(name).stream()
                .sorted(Comparator.comparing(Machine::id))
                .toList();
        // An app that is known and has no machine is told apart from one nobody knows.
        if (all.isEmpty() && machines.apps().stream().noneMatch(a -> a.name().equals(name))) {
            apps.remove(name);
        } else {
            apps.put(name, Ways.of(name, edge.address().getPort(), all, machines::healthy, statics::of));
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
