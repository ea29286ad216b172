package org.allod.host;

import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.allod.base.Failed;
import org.allod.base.MachineId;
import org.allod.base.SupervisedLoop;
import org.allod.base.SupervisedThread;
import org.allod.edge.App;
import org.allod.edge.Catalog;
import org.allod.edge.Door;
import org.allod.edge.Edge;
import org.allod.edge.SelfSigned;
import org.allod.edge.Spread;
import org.allod.machine.AppEnd;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.store.Tx;

/**
 * Keeps the edge's catalog in step with the machines. Changes are taken as they come and published together: a hundred
 * machines changing at once are a few catalogs, not a hundred.
 */
final class CatalogKeeper implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("allod.host");

    /**
     * What may have changed.
     *
     * @param app empty where none has, and the catalog has all the same
     * @param machine none where no machine of it has
     */
    private record Touched(String app, Optional<MachineId> machine) {}

    private final Machines machines;
    private final Edge edge;
    private final LinkedBlockingQueue<Touched> changed = new LinkedBlockingQueue<>();
    private final SelfSigned certificate;
    private final ImageStatics statics;
    /** By app: its ways in. */
    private final Map<String, Ways> apps = new HashMap<>();
    /** By port: the door that each app wants there. */
    private final Map<Integer, Map<String, Door>> doors = new TreeMap<>();

    private Spread<App> routes = Spread.empty();

    private final Map<MachineId, MachineState> states = new ConcurrentHashMap<>();
    private final AtomicBoolean making = new AtomicBoolean();
    private final SupervisedLoop loop;

    CatalogKeeper(Machines machines, Edge edge, SelfSigned certificate, ImageStatics statics) {
        this.machines = machines;
        this.edge = edge;
        this.certificate = certificate;
        this.statics = statics;
        this.loop = new SupervisedLoop("catalog", "catalog", this::turn);
    }

    /** Publishes everything once, then each change. */
    void start() {
        machines.listen(this::changed);
        machines.atAppEnd(new AppEnd() {
            @Override
            public void in(Tx tx, String app) {
                // The edge has its apps in memory alone.
            }

            @Override
            public void after(String app) {
                changed.add(new Touched(app, Optional.empty()));
            }
        });
        machines.all().stream()
                .filter(m -> m.state() == MachineState.STARTED)
                .forEach(m -> states.put(m.id(), m.state()));
        machines.apps().forEach(app -> ways(app.name()));
        machines.all().forEach(m -> ways(m.app()).put(m));
        Map<String, Optional<App>> first = new HashMap<>();
        apps.forEach((app, ways) -> first.putAll(taken(app, ways.changes())));
        routes = routes.with(first);
        if (doors().stream().anyMatch(Door::tls)) {
            certificate.ensure();
        }
        publish();
        SupervisedLoop _ = loop.start();
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
        changed.add(new Touched(m.app(), Optional.of(m.id())));
    }

    private void turn() throws InterruptedException {
        Set<Touched> all = new HashSet<>();
        all.add(changed.take());
        changed.drainTo(all);
        boolean done = false;
        try {
            take(all);
            publish();
            done = true;
        } finally {
            if (!done) {
                changed.addAll(all); // looked at again by the next turn
            }
        }
    }

    private void publish() {
        List<Door> open = doors();
        if (!certificate.ready() && open.stream().anyMatch(Door::tls)) {
            open = open.stream().filter(door -> !door.tls()).toList();
            makeCertificate();
        }
        edge.publish(new Catalog(routes, open));
    }

    private List<Door> doors() {
        // Who has a raw port is settled when a machine is made; two apps with one are left from another time.
        return doors.values().stream()
                .map(wanted -> wanted.values().iterator().next())
                .toList();
    }

    /** Takes a second, on a busy host several, for which only what needs it may wait. */
    private void makeCertificate() {
        if (making.compareAndSet(false, true)) {
            Thread _ = SupervisedThread.start("certificate", () -> {
                try {
                    certificate.ensure();
                    changed.add(new Touched("", Optional.empty()));
                } catch (Failed e) {
                    LOG.log(Level.WARNING, "HTTPS is not served until the next change of a machine", e);
                } finally {
                    making.set(false);
                }
            });
        }
    }

    private Ways ways(String app) {
        return apps.computeIfAbsent(
                app, name -> new Ways(name, edge.address().getPort(), machines::healthy, statics::of));
    }

    /** Looks at each machine as it is now: what was queued of it may be older. */
    private void take(Set<Touched> all) {
        Set<String> names = new HashSet<>();
        for (Touched one : all) {
            if (!one.app().isEmpty()) {
                names.add(one.app());
            }
            one.machine().ifPresent(id -> {
                Ways ways = ways(one.app());
                machines.find(id).ifPresentOrElse(ways::put, () -> ways.remove(id));
            });
        }
        Map<String, Optional<App>> news = new HashMap<>();
        for (String name : names) {
            Ways ways = ways(name);
            // An app that is known and has no machine is told apart from one nobody knows.
            boolean gone = ways.empty()
                    && machines.apps().stream().noneMatch(a -> a.name().equals(name));
            if (gone) {
                apps.remove(name);
            }
            news.putAll(taken(name, gone ? ways.end() : ways.changes()));
        }
        routes = routes.with(news);
    }

    /** Notes the doors; the routes are the caller's. */
    private Map<String, Optional<App>> taken(String app, Ways.Changes changes) {
        changes.doors()
                .forEach((port, door) -> doors.compute(port, (number, wanted) -> {
                    Map<String, Door> next = wanted == null ? new TreeMap<>() : wanted;
                    door.ifPresentOrElse(d -> next.put(app, d), () -> next.remove(app));
                    return next.isEmpty() ? null : next;
                }));
        return changes.routes();
    }

    @Override
    public void close() {
        loop.close();
    }
}
