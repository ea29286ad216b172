package org.allod.host;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import org.allod.edge.Backend;
import org.allod.edge.CatalogApp;
import org.allod.edge.ChunkedList;
import org.allod.edge.HttpOptions;
import org.allod.edge.ListenerSpec;
import org.allod.edge.Statics;
import org.allod.machine.Machine;
import org.allod.machine.MachineConfig;

/**
 * One app's routes: one for each port that its services name, and the listeners they need. A change of one machine
 * costs the same however many machines the app has. Belongs to one thread.
 */
final class AppRoutes {
    /** Whether a service of a machine, by its index, passes its health checks. */
    interface Health {
        boolean of(MachineId machine, int service);
    }

    /**
     * Changed routes and listeners.
     *
     * @param routes by their name in {@link org.allod.edge.Catalog}; empty means removed
     * @param doors listeners by port that may have changed; empty means the app needs none there
     */
    record Changes(Map<String, Optional<CatalogApp>> routes, Map<Integer, Optional<ListenerSpec>> doors) {}

    /** Orders the machines of an app: the configuration of the latest version applies. */
    private record VersionOrder(Ulid version, MachineId machine) implements Comparable<VersionOrder> {
        @Override
        public int compareTo(VersionOrder other) {
            int byVersion = version.compareTo(other.version);
            return byVersion != 0 ? byVersion : machine.compareTo(other.machine);
        }
    }

    /** A machine's settings for a port; no options if it only names its own port. */
    private record PortClaim(Machine machine, Optional<MachineConfig.Port> port) {}

    /** The machines behind one port. */
    private static final class PortRoute {
        ChunkedList<Backend> backends = ChunkedList.empty();
        final TreeMap<VersionOrder, PortClaim> words = new TreeMap<>();
        final Map<MachineId, List<Backend>> changes = new HashMap<>();

        void settle() {
            backends = backends.with(changes, Backend::id);
            changes.clear();
        }
    }

    private final String app;
    private final int edgePort;
    private final Health health;
    private final Function<Machine, Statics> statics;
    private final Map<MachineId, Machine> machines = new HashMap<>();
    private final Map<Integer, PortRoute> routesByPort = new TreeMap<>();
    private boolean told;

    /**
     * @param edgePort the port of the edge's own address: a service that names it means plain HTTP
     * @param statics the files that the edge serves instead of a machine
     */
    AppRoutes(String app, int edgePort, Health health, Function<Machine, Statics> statics) {
        this.app = app;
        this.edgePort = edgePort;
        this.health = health;
        this.statics = statics;
        routesByPort.put(ListenerSpec.HTTP, new PortRoute()); // an app is known even without a machine
    }

    boolean empty() {
        return machines.isEmpty();
    }

    /** Applies a machine's current record. */
    void put(Machine m) {
        remove(m.id());
        machines.put(m.id(), m);
        List<Backend> backends = EdgeAdapter.backends(m, s -> health.of(m.id(), s));
        for (int s = 0; s < backends.size(); s++) {
            List<MachineConfig.Port> ports = m.config().services().get(s).ports();
            if (ports.isEmpty() && s == 0) {
                // A service that names only the machine's own port means plain HTTP.
                addRoute(ListenerSpec.HTTP, backends.getFirst(), new PortClaim(m, Optional.empty()));
            }
            for (MachineConfig.Port port : ports) {
                for (int p = port.first(); p <= port.last(); p++) {
                    addRoute(number(p, port), backends.get(s), new PortClaim(m, Optional.of(port)));
                }
            }
        }
    }

    /** Removes a machine, because it is gone or is about to be added anew. */
    void remove(MachineId id) {
        Machine was = machines.remove(id);
        if (was == null) {
            return;
        }
        VersionOrder age = new VersionOrder(was.version(), id);
        removeRoute(ListenerSpec.HTTP, age);
        for (MachineConfig.Service service : was.config().services()) {
            for (MachineConfig.Port port : service.ports()) {
                for (int p = port.first(); p <= port.last(); p++) {
                    removeRoute(number(p, port), age);
                }
            }
        }
    }

    private int number(int port, MachineConfig.Port as) {
        return port == edgePort && as.http() && !as.tls() ? ListenerSpec.HTTP : port;
    }

    private void addRoute(int port, Backend backend, PortClaim word) {
        PortRoute portRoute = routesByPort.computeIfAbsent(port, n -> new PortRoute());
        portRoute.words.put(new VersionOrder(word.machine.version(), word.machine.id()), word);
        List<Backend> own = portRoute.changes.getOrDefault(backend.id(), List.of());
        if (own.isEmpty()) {
            portRoute.changes.put(backend.id(), List.of(backend));
        } else {
            List<Backend> more = new ArrayList<>(own);
            more.add(backend);
            portRoute.changes.put(backend.id(), more);
        }
    }

    private void removeRoute(int port, VersionOrder age) {
        PortRoute portRoute = routesByPort.get(port);
        if (portRoute != null && portRoute.words.remove(age) != null) {
            portRoute.changes.put(age.machine, List.of());
        }
    }

    /** The changes since the last call; at the first call, everything. */
    Changes changes() {
        Map<Integer, PortRoute> changed = new TreeMap<>();
        routesByPort.forEach((port, portRoute) -> {
            if (!told || !portRoute.changes.isEmpty()) {
                portRoute.settle();
                changed.put(port, portRoute);
            }
        });
        told = true;
        Map<String, Optional<CatalogApp>> routes = new HashMap<>();
        Map<Integer, Optional<ListenerSpec>> doors = new HashMap<>();
        changed.forEach((port, portRoute) -> {
            if (port == ListenerSpec.HTTP || port == ListenerSpec.HTTPS) {
                routes.put(ListenerSpec.route(app, ListenerSpec.HTTP), Optional.of(plain()));
            }
            if (port != ListenerSpec.HTTP && portRoute.words.isEmpty()) {
                routesByPort.remove(port);
                routes.put(ListenerSpec.route(app, port), Optional.empty());
                doors.put(port, Optional.empty());
            } else if (port != ListenerSpec.HTTP) {
                PortClaim newest = portRoute.words.lastEntry().getValue();
                routes.put(ListenerSpec.route(app, port), Optional.of(route(portRoute, newest)));
                doors.put(port, newest.port.map(p -> listener(app, port, p)));
            }
        });
        return new Changes(routes, doors);
    }

    /** Removes everything: the app is deleted. */
    Changes end() {
        Map<String, Optional<CatalogApp>> routes = new HashMap<>();
        Map<Integer, Optional<ListenerSpec>> doors = new HashMap<>();
        routesByPort.keySet().forEach(port -> {
            routes.put(ListenerSpec.route(app, port), Optional.empty());
            doors.put(port, Optional.empty());
        });
        return new Changes(routes, doors);
    }

    private CatalogApp plain() {
        PortRoute http = java.util.Objects.requireNonNull(routesByPort.get(ListenerSpec.HTTP));
        PortRoute https = routesByPort.get(ListenerSpec.HTTPS);
        if (!http.words.isEmpty()) {
            return route(http, http.words.lastEntry().getValue());
        }
        if (https != null && !https.words.isEmpty()) {
            // An app that only names 443 serves plain HTTP too.
            return new CatalogApp(
                    app,
                    https.backends,
                    HttpOptions.USUAL,
                    statics.apply(https.words.lastEntry().getValue().machine));
        }
        return new CatalogApp(app, http.backends, HttpOptions.USUAL, Statics.NONE);
    }

    /** If an app's machines configure a port differently, the newest configuration applies. */
    private CatalogApp route(PortRoute portRoute, PortClaim newest) {
        return new CatalogApp(
                app,
                portRoute.backends,
                newest.port.map(AppRoutes::options).orElse(HttpOptions.USUAL),
                statics.apply(newest.machine));
    }

    private static HttpOptions options(MachineConfig.Port port) {
        return new HttpOptions(
                port.forceHttps(),
                port.options().headers(),
                port.options().pristine(),
                port.options().idle(),
                port.options().compress(),
                port.options().headTime(),
                port.proxyProtocol());
    }

    private static ListenerSpec listener(String app, int number, MachineConfig.Port port) {
        if (!port.http()) {
            return ListenerSpec.raw(number, port.tls(), ListenerSpec.route(app, number));
        }
        return port.tls() ? ListenerSpec.https(number) : ListenerSpec.http(number);
    }
}
