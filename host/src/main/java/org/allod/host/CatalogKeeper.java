package org.allod.host;

import java.lang.System.Logger.Level;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.allod.base.Failed;
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
    private static final System.Logger LOG = System.getLogger("allod.host");

    /** In the place of an app's name where none has changed, and the catalog has all the same. */
    private static final String NO_APP = "";

    private final Machines machines;
    private final Edge edge;
    private final LinkedBlockingQueue<String> changed = new LinkedBlockingQueue<>();
    private final SelfSigned certificate;
    private final ImageStatics statics;
    /** By app: its ways in. */
    private final Map<String, Ways> apps = new HashMap<>();

    private final Map<MachineId, MachineState> states = new ConcurrentHashMap<>();
    private final AtomicBoolean making = new AtomicBoolean();
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
        if (doors().stream().anyMatch(Door::tls)) {
            certificate.ensure();
        }
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
        apps.values().forEach(ways -> routes.putAll(ways.routes()));
        List<Door> doors = doors();
        if (!certificate.ready() && doors.stream().anyMatch(Door::tls)) {
            doors = doors.stream().filter(door -> !door.tls()).toList();
            makeCertificate();
        }
        edge.publish(new Catalog(routes, doors));
    }

    private List<Door> doors() {
        Map<Integer, Door> doors = new TreeMap<>();
        // Who has a raw port is settled when a machine is made; two apps with one are left from another time.
        apps.values().forEach(ways -> ways.doors().forEach(door -> doors.putIfAbsent(door.port(), door)));
        return List.copyOf(doors.values());
    }

    /** Takes a second, on a busy host several, for which only what needs it may wait. */
    private void makeCertificate() {
        if (making.compareAndSet(false, true)) {
            Thread.ofVirtual().name("certificate").start(() -> {
                try {
                    certificate.ensure();
                    changed.add(NO_APP);
                } catch (Failed e) {
                    LOG.log(Level.WARNING, "HTTPS is not served until the next change of a machine", e);
                } finally {
                    making.set(false);
                }
            });
        }
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
