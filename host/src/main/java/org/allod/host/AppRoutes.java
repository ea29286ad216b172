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
 * One app's ways into its machines: a route for each port that their services name, and the doors those need. A change
 * of one machine costs the same however many the app has. Belongs to one thread.
 */
final class AppRoutes {
    /** Whether a service of a machine, by its place, passes the checks that gate it. */
    interface Health {
        boolean of(MachineId machine, int service);
    }

    /**
     * What has changed.
     *
     * @param routes as {@link org.allod.edge.Catalog} names them; none: it is no more
     * @param doors by port, of those that may have changed; none: the app needs none there
     */
    record Changes(Map<String, Optional<CatalogApp>> routes, Map<Integer, Optional<ListenerSpec>> doors) {}

    /** Of two machines of an app, the one with the later version is the one whose word counts. */
    private record VersionOrder(Ulid version, MachineId machine) implements Comparable<VersionOrder> {
        @Override
        public int compareTo(VersionOrder other) {
            int byVersion = version.compareTo(other.version);
            return byVersion != 0 ? byVersion : machine.compareTo(other.machine);
        }
    }

    /** What a machine says of a port; no options where it only names its own port. */
    private record PortClaim(Machine machine, Optional<MachineConfig.Port> port) {}

    /** What leads to one port. */
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
    private final Map<Integer, PortRoute> ways = new TreeMap<>();
    private boolean told;

    /**
     * @param edgePort the number of the edge's own address: a service that names it means plain HTTP
     * @param statics what the edge serves in a machine's stead
     */
    AppRoutes(String app, int edgePort, Health health, Function<Machine, Statics> statics) {
        this.app = app;
        this.edgePort = edgePort;
        this.health = health;
        this.statics = statics;
        ways.put(ListenerSpec.HTTP, new PortRoute()); // known, even without a machine
    }

    boolean empty() {
        return machines.isEmpty();
    }

    /** A machine is as this record says, from now on. */
    void put(Machine m) {
        remove(m.id());
        machines.put(m.id(), m);
        List<Backend> backends = EdgeAdapter.backends(m, s -> health.of(m.id(), s));
        for (int s = 0; s < backends.size(); s++) {
            List<MachineConfig.Port> ports = m.config().services().get(s).ports();
            if (ports.isEmpty() && s == 0) {
                // As a caller means it who names only the machine's own port.
                addRoute(ListenerSpec.HTTP, backends.getFirst(), new PortClaim(m, Optional.empty()));
            }
            for (MachineConfig.Port port : ports) {
                for (int p = port.first(); p <= port.last(); p++) {
                    addRoute(number(p, port), backends.get(s), new PortClaim(m, Optional.of(port)));
                }
            }
        }
    }

    /** A machine is no more, or is about to be put anew. */
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
        PortRoute way = ways.computeIfAbsent(port, n -> new PortRoute());
        way.words.put(new VersionOrder(word.machine.version(), word.machine.id()), word);
        List<Backend> own = way.changes.getOrDefault(backend.id(), List.of());
        if (own.isEmpty()) {
            way.changes.put(backend.id(), List.of(backend));
        } else {
            List<Backend> more = new ArrayList<>(own);
            more.add(backend);
            way.changes.put(backend.id(), more);
        }
    }

    private void removeRoute(int port, VersionOrder age) {
        PortRoute way = ways.get(port);
        if (way != null && way.words.remove(age) != null) {
            way.changes.put(age.machine, List.of());
        }
    }

    /** What has changed since the last call; at the first, everything. */
    Changes changes() {
        Map<Integer, PortRoute> changed = new TreeMap<>();
        ways.forEach((port, way) -> {
            if (!told || !way.changes.isEmpty()) {
                way.settle();
                changed.put(port, way);
            }
        });
        told = true;
        Map<String, Optional<CatalogApp>> routes = new HashMap<>();
        Map<Integer, Optional<ListenerSpec>> doors = new HashMap<>();
        changed.forEach((port, way) -> {
            if (port == ListenerSpec.HTTP || port == ListenerSpec.HTTPS) {
                routes.put(ListenerSpec.route(app, ListenerSpec.HTTP), Optional.of(plain()));
            }
            if (port != ListenerSpec.HTTP && way.words.isEmpty()) {
                ways.remove(port);
                routes.put(ListenerSpec.route(app, port), Optional.empty());
                doors.put(port, Optional.empty());
            } else if (port != ListenerSpec.HTTP) {
                PortClaim newest = way.words.lastEntry().getValue();
                routes.put(ListenerSpec.route(app, port), Optional.of(route(way, newest)));
                doors.put(port, newest.port.map(p -> listener(app, port, p)));
            }
        });
        return new Changes(routes, doors);
    }

    /** Everything goes: the app is no more. */
    Changes end() {
        Map<String, Optional<CatalogApp>> routes = new HashMap<>();
        Map<Integer, Optional<ListenerSpec>> doors = new HashMap<>();
        ways.keySet().forEach(port -> {
            routes.put(ListenerSpec.route(app, port), Optional.empty());
            doors.put(port, Optional.empty());
        });
        return new Changes(routes, doors);
    }

    private CatalogApp plain() {
        PortRoute http = java.util.Objects.requireNonNull(ways.get(ListenerSpec.HTTP));
        PortRoute https = ways.get(ListenerSpec.HTTPS);
        if (!http.words.isEmpty()) {
            return route(http, http.words.lastEntry().getValue());
        }
        if (https != null && !https.words.isEmpty()) {
            // An app that only names 443 answers plain requests too, as it always has here.
            return new CatalogApp(
                    app,
                    https.backends,
                    HttpOptions.USUAL,
                    statics.apply(https.words.lastEntry().getValue().machine));
        }
        return new CatalogApp(app, http.backends, HttpOptions.USUAL, Statics.NONE);
    }

    /** Where an app's machines differ in how a port is to be treated, the newest configuration decides. */
    private CatalogApp route(PortRoute way, PortClaim newest) {
        return new CatalogApp(
                app,
                way.backends,
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
