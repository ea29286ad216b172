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
 * Keeps the edge's catalog in step with the machines. Changes are queued and published in batches, so that a hundred
 * machines that change at once cause a few catalogs, not a hundred. One loop thread owns the routes; {@link #onChange}
 * may be called from any thread.
 */
final class CatalogPublisher implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("allod.host");

    /**
     * A change to apply.
     *
     * @param app empty if no app has changed but the catalog must be published
     * @param machine the changed machine, if any
     */
    private record Touched(String app, Optional<MachineId> machine) {}

    private final Machines machines;
    private final Edge edge;
    private final LinkedBlockingQueue<Touched> changes = new LinkedBlockingQueue<>();
    private final SelfSigned certificate;
    private final ImageStatics statics;
    /** The routes of each app. */
    private final Map<String, AppRoutes> apps = new HashMap<>();
    /** For each port, the listener that each app requests. */
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

    /** Publishes everything once, and then each change. */
    void start() {
        machines.listen(this::onChange);
        machines.atAppEnd(new AppDeletionListener() {
            @Override
            public void in(Transaction tx, String app) {
                // The edge keeps apps in memory only, so there is nothing to delete in the transaction.
            }

            @Override
            public void after(String app) {
                changes.add(new Touched(app, Optional.empty()));
            }
        });
        machines.all().stream()
                .filter(m -> m.state() == MachineState.STARTED)
                .forEach(m -> states.put(m.id(), m.state()));
        machines.apps().forEach(app -> routesOf(app.name()));
        machines.all().forEach(m -> routesOf(m.app()).put(m));
        Map<String, Optional<CatalogApp>> first = new HashMap<>();
        apps.forEach((app, routesOfApp) -> first.putAll(applyListeners(app, routesOfApp.changes())));
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
                // The machine was drained on its way down; it is up again, so it may receive requests.
                edge.undrain(m.id());
            }
        } else {
            states.remove(m.id());
        }
        changes.add(new Touched(m.app(), Optional.of(m.id())));
    }

    private void turn() throws InterruptedException {
        Set<Touched> all = new HashSet<>();
        all.add(changes.take());
        changes.drainTo(all);
        boolean done = false;
        try {
            apply(all);
            publish();
            done = true;
        } finally {
            if (!done) {
                changes.addAll(all); // retried by the next turn
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
        // Creating a machine decides who has a raw port; two apps with the same one date from before that check.
        return listeners.values().stream()
                .map(wanted -> wanted.values().iterator().next())
                .toList();
    }

    /**
     * Makes the certificate on another thread: that takes a second, or several on a busy host, and only the TLS ports
     * may wait for it.
     */
    private void makeCertificate() {
        if (making.compareAndSet(false, true)) {
            Thread _ = SupervisedThread.start("certificate", () -> {
                try {
                    certificate.ensure();
                    changes.add(new Touched("", Optional.empty()));
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

    /** Reads each machine's current record, because the queued one may be older. */
    private void apply(Set<Touched> all) {
        Set<String> names = new HashSet<>();
        for (Touched one : all) {
            if (!one.app().isEmpty()) {
                names.add(one.app());
            }
            one.machine().ifPresent(id -> {
                AppRoutes routesOfApp = routesOf(one.app());
                machines.find(id).ifPresentOrElse(routesOfApp::put, () -> routesOfApp.remove(id));
            });
        }
        Map<String, Optional<CatalogApp>> news = new HashMap<>();
        for (String name : names) {
            AppRoutes routesOfApp = routesOf(name);
            // An app without machines is known, which differs from an unknown app.
            boolean gone = routesOfApp.empty()
                    && machines.apps().stream().noneMatch(a -> a.name().equals(name));
            if (gone) {
                apps.remove(name);
            }
            news.putAll(applyListeners(name, gone ? routesOfApp.end() : routesOfApp.changes()));
        }
        routes = routes.with(news);
    }

    /** Records the listeners; returns the routes for the caller. */
    private Map<String, Optional<CatalogApp>> applyListeners(String app, AppRoutes.Changes changes) {
        changes.doors()
                .forEach((port, listener) -> listeners.compute(port, (number, wanted) -> {
                    Map<String, ListenerSpec> next = wanted == null ? new TreeMap<>() : wanted;
                    listener.ifPresentOrElse(d -> next.put(app, d), () -> next.remove(app));
                    return next.isEmpty() ? null : next;
                }));
        return changes.routes();
    }

    @Override
    public void close() {
        loop.close();
    }
}
