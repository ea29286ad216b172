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
import org.allod.base.FailedException;
import org.allod.base.MachineId;
import org.allod.base.SupervisedLoop;
import org.allod.base.SupervisedThread;
import org.allod.edge.Catalog;
import org.allod.edge.CatalogApp;
import org.allod.edge.Edge;
import org.allod.edge.ListenerSpec;
import org.allod.edge.PersistentMap;
import org.allod.edge.SelfSigned;
import org.allod.machine.AppDeletionListener;
import org.allod.machine.Machine;
import org.allod.machine.MachineState;
import org.allod.machine.Machines;
import org.allod.store.Transaction;

/**
 * Keeps the edge's catalog in step with the machines. Changes are taken as they come and published together: a hundred
 * machines changing at once are a few catalogs, not a hundred.
 */
final class CatalogPublisher implements AutoCloseable {
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
    private final LinkedBlockingQueue<Touched> onChange = new LinkedBlockingQueue<>();
    private final SelfSigned certificate;
    private final ImageStatics statics;
    /** By app: its ways in. */
    private final Map<String, AppRoutes> apps = new HashMap<>();
    /** By port: the door that each app wants there. */
    private final Map<Integer, Map<String, ListenerSpec>> listeners = new TreeMap<>();

    private PersistentMap<CatalogApp> routes = PersistentMap.empty();

    private final Map<MachineId, MachineState> states = new ConcurrentHashMap<>();
    private final AtomicBoolean making = new AtomicBoolean();
    private final SupervisedLoop loop;

    CatalogPublisher(Machines machines, Edge edge, SelfSigned certificate, ImageStatics statics) {
        this.machines = machines;
        this.edge = edge;
        this.certificate = certificate;
        this.statics = statics;
        this.loop = new SupervisedLoop("catalog", "catalog", this::turn);
    }

    /** Publishes everything once, then each change. */
    void start() {
        machines.listen(this::onChange);
        machines.atAppEnd(new AppDeletionListener() {
            @Override
            public void in(Transaction tx, String app) {
                // The edge has its apps in memory alone.
            }

            @Override
            public void after(String app) {
                onChange.add(new Touched(app, Optional.empty()));
            }
        });
        machines.all().stream()
                .filter(m -> m.state() == MachineState.STARTED)
                .forEach(m -> states.put(m.id(), m.state()));
        machines.apps().forEach(app -> routesOf(app.name()));
        machines.all().forEach(m -> routesOf(m.app()).put(m));
        Map<String, Optional<CatalogApp>> first = new HashMap<>();
        apps.forEach((app, ways) -> first.putAll(taken(app, ways.changes())));
        routes = routes.with(first);
        if (listeners().stream().anyMatch(ListenerSpec::tls)) {
            certificate.ensure();
        }
        publish();
        SupervisedLoop _ = loop.start();
    }

    private void onChange(Machine m) {
        if (m.state() == MachineState.STARTED) {
            if (states.put(m.id(), m.state()) != MachineState.STARTED) {
                // It was drained on its way down; it is up again, so its requests may come.
                edge.undrain(m.id());
            }
        } else {
            states.remove(m.id());
        }
        onChange.add(new Touched(m.app(), Optional.of(m.id())));
    }

    private void turn() throws InterruptedException {
        Set<Touched> all = new HashSet<>();
        all.add(onChange.take());
        onChange.drainTo(all);
        boolean done = false;
        try {
            take(all);
            publish();
            done = true;
        } finally {
            if (!done) {
                onChange.addAll(all); // looked at again by the next turn
            }
        }
    }

    private void publish() {
        List<ListenerSpec> open = listeners();
        if (!certificate.ready() && open.stream().anyMatch(ListenerSpec::tls)) {
            open = open.stream().filter(listener -> !listener.tls()).toList();
            makeCertificate();
        }
        edge.publish(new Catalog(routes, open));
    }

    private List<ListenerSpec> listeners() {
        // Who has a raw port is settled when a machine is made; two apps with one are left from another time.
        return listeners.values().stream()
                .map(wanted -> wanted.values().iterator().next())
                .toList();
    }

    /** Takes a second, on a busy host several, for which only what needs it may wait. */
    private void makeCertificate() {
        if (making.compareAndSet(false, true)) {
            Thread _ = SupervisedThread.start("certificate", () -> {
                try {
                    certificate.ensure();
                    onChange.add(new Touched("", Optional.empty()));
                } catch (FailedException e) {
                    LOG.log(Level.WARNING, "HTTPS is not served until the next change of a machine", e);
                } finally {
                    making.set(false);
                }
            });
        }
    }

    private AppRoutes routesOf(String app) {
        return apps.computeIfAbsent(
                app, name -> new AppRoutes(name, edge.address().getPort(), machines::healthy, statics::of));
    }

    /** Looks at each machine as it is now: what was queued of it may be older. */
    private void take(Set<Touched> all) {
        Set<String> names = new HashSet<>();
        for (Touched one : all) {
            if (!one.app().isEmpty()) {
                names.add(one.app());
            }
            one.machine().ifPresent(id -> {
                AppRoutes ways = routesOf(one.app());
                machines.find(id).ifPresentOrElse(ways::put, () -> ways.remove(id));
            });
        }
        Map<String, Optional<CatalogApp>> news = new HashMap<>();
        for (String name : names) {
            AppRoutes ways = routesOf(name);
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
    private Map<String, Optional<CatalogApp>> taken(String app, AppRoutes.Changes changes) {
        changes.doors()
                .forEach((port, door) -> listeners.compute(port, (number, wanted) -> {
                    Map<String, ListenerSpec> next = wanted == null ? new TreeMap<>() : wanted;
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
