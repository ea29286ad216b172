package org.allod.edge;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;

/**
 * What lives of each port of each machine in the catalog, however many ways lead there. Changed under the lock of {@link
 * Edge#publish} alone; read by any thread, but not on the path of a request, which has it from its route.
 */
final class Spots {
    /** A port of a machine. */
    private static final class Spot {
        final int port;
        final Live live;
        /** How many places of the catalog lead there. */
        int uses;

        Backend shown;

        Spot(Backend backend, Live live) {
            this.port = backend.address().getPort();
            this.live = live;
            this.shown = backend;
        }
    }

    private final Function<Backend, Live> make;
    private final Map<MachineId, List<Spot>> machines = new ConcurrentHashMap<>();

    /** @param make what a port of a machine begins with */
    Spots(Function<Backend, Live> make) {
        this.make = make;
    }

    private static @Nullable Spot at(List<Spot> spots, Backend backend) {
        int port = backend.address().getPort();
        for (Spot spot : spots) {
            if (spot.port == port) {
                return spot;
            }
        }
        return null;
    }

    /** One more place of the catalog leads there. */
    @SuppressWarnings("ReferenceEquality") // a picture that looks like the last is news all the same: it is newer
    Live use(Backend backend, long now) {
        List<Spot> spots = machines.getOrDefault(backend.id(), List.of());
        Spot known = at(spots, backend);
        Spot spot = known != null ? known : new Spot(backend, make.apply(backend));
        if (known == null) {
            machines.put(backend.id(), spots.isEmpty() ? List.of(spot) : both(spots, spot));
        }
        if (known == null || spot.shown != backend) {
            spot.shown = backend;
            spot.live.published(backend.state(), now);
        }
        spot.uses++;
        return spot.live;
    }

    private static List<Spot> both(List<Spot> spots, Spot spot) {
        List<Spot> more = new ArrayList<>(spots);
        more.add(spot);
        return List.copyOf(more);
    }

    /** One place less leads there. */
    void leave(Backend backend) {
        Spot spot = at(machines.getOrDefault(backend.id(), List.of()), backend);
        if (spot != null) {
            spot.uses--;
        }
    }

    /** Forgets the port if nothing leads there any more, and then tells. */
    void sweep(Backend backend, Consumer<Live> gone) {
        List<Spot> spots = machines.getOrDefault(backend.id(), List.of());
        Spot spot = at(spots, backend);
        if (spot == null || spot.uses > 0) {
            return;
        }
        List<Spot> rest = spots.stream().filter(s -> !s.equals(spot)).toList();
        if (rest.isEmpty()) {
            machines.remove(backend.id());
        } else {
            machines.put(backend.id(), rest);
        }
        gone.accept(spot.live);
    }

    List<Live> of(MachineId machine) {
        return machines.getOrDefault(machine, List.of()).stream()
                .map(spot -> spot.live)
                .toList();
    }

    /** Requests and connections under way to all of them. */
    int load() {
        int load = 0;
        for (List<Spot> spots : machines.values()) {
            for (Spot spot : spots) {
                load += spot.live.load();
            }
        }
        return load;
    }
}
