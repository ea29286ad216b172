package org.allod.host;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.allod.base.MachineId;
import org.allod.base.Ulid;
import org.allod.edge.App;
import org.allod.edge.Backend;
import org.allod.edge.Door;
import org.allod.edge.HttpOptions;
import org.allod.edge.Statics;
import org.allod.machine.Machine;
import org.allod.machine.MachineConfig;
import org.jspecify.annotations.Nullable;

/**
 * One app's ways into its machines: a route for each port that its services name, and the doors those need. Pure.
 *
 * @param routes as {@link org.allod.edge.Catalog} names them
 */
record Ways(Map<String, App> routes, List<Door> doors) {
    /** Whether a service of a machine, by its place, passes the checks that gate it. */
    interface Health {
        boolean of(MachineId machine, int service);
    }

    /** What leads to one port so far. */
    private static final class Way {
        final List<Backend> backends = new ArrayList<>();
        HttpOptions http = HttpOptions.USUAL;
        Statics statics = Statics.NONE;

        @Nullable
        Ulid newest;
    }

    /**
     * @param edgePort the number of the edge's own address: a service that names it means plain HTTP
     * @param statics what the edge serves in a machine's stead
     */
    static Ways of(
            String app, int edgePort, List<Machine> machines, Health health, Function<Machine, Statics> statics) {
        Map<Integer, Way> ways = new TreeMap<>();
        Map<Integer, Door> doors = new TreeMap<>();
        ways.put(Door.HTTP, new Way()); // known, even without a machine
        for (Machine m : machines) {
            List<Backend> backends = EdgeDoor.backends(m, s -> health.of(m.id(), s));
            for (int s = 0; s < backends.size(); s++) {
                List<MachineConfig.Port> ports = m.config().services().get(s).ports();
                if (ports.isEmpty() && s == 0) {
                    // As a caller means it who names only the machine's own port.
                    Way way = ways.get(Door.HTTP);
                    way.backends.add(backends.getFirst());
                    if (newest(way, m, statics)) {
                        way.http = HttpOptions.USUAL;
                    }
                }
                for (MachineConfig.Port port : ports) {
                    for (int p = port.first(); p <= port.last(); p++) {
                        int number = p == edgePort && port.http() && !port.tls() ? Door.HTTP : p;
                        Way way = ways.computeIfAbsent(number, n -> new Way());
                        way.backends.add(backends.get(s));
                        if (newest(way, m, statics)) {
                            way.http = options(port);
                        }
                        if (number != Door.HTTP) {
                            doors.putIfAbsent(number, door(app, number, port));
                        }
                    }
                }
            }
        }
        Way https = ways.get(Door.HTTPS);
        if (https != null && ways.get(Door.HTTP).backends.isEmpty()) {
            // An app that only names 443 answers plain requests too, as it always has here.
            ways.get(Door.HTTP).backends.addAll(https.backends);
            ways.get(Door.HTTP).statics = https.statics;
        }
        Map<String, App> routes = new HashMap<>();
        ways.forEach(
                (port, way) -> routes.put(Door.route(app, port), new App(app, way.backends, way.http, way.statics)));
        return new Ways(routes, List.copyOf(doors.values()));
    }

    /** Where an app's machines differ in how a port is to be treated, the newest configuration decides. */
    private static boolean newest(Way way, Machine m, Function<Machine, Statics> statics) {
        if (way.newest != null && m.version().compareTo(way.newest) < 0) {
            return false;
        }
        way.newest = m.version();
        way.statics = statics.apply(m);
        return true;
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

    private static Door door(String app, int number, MachineConfig.Port port) {
        if (!port.http()) {
            return Door.raw(number, port.tls(), Door.route(app, number));
        }
        return port.tls() ? Door.https(number) : Door.http(number);
    }
}
