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
final class LiveBackends {
    /** A port of a machine. */
    private static final class LiveEntry {
        final int port;
        final BackendState backendState;
        /** How many places of the catalog lead there. */
        int uses;

        Backend shown;

        LiveEntry(Backend backend, BackendState backendState) {
            this.port = backend.address().getPort();
            this.backendState = backendState;
            this.shown = backend;
        }
    }

    private final Function<Backend, BackendState> make;
    private final Map<MachineId, List<LiveEntry>> machines = new ConcurrentHashMap<>();

    /** @param make what a port of a machine begins with */
    LiveBackends(Function<Backend, BackendState> make) {
        this.make = make;
    }

    private static @Nullable LiveEntry at(List<LiveEntry> spots, Backend backend) {
        int port = backend.address().getPort();
        for (LiveEntry entry : spots) {
            if (entry.port == port) {
                return entry;
            }
        }
        return null;
    }

    /** One more place of the catalog leads there. */
    @SuppressWarnings("ReferenceEquality") // a picture that looks like the last is news all the same: it is newer
    BackendState use(Backend backend, long now) {
        List<LiveEntry> spots = machines.getOrDefault(backend.id(), List.of());
        LiveEntry known = at(spots, backend);
        LiveEntry entry = known != null ? known : new LiveEntry(backend, make.apply(backend));
        if (known == null) {
            machines.put(backend.id(), spots.isEmpty() ? List.of(entry) : append(spots, entry));
        }
        if (known == null || entry.shown != backend) {
            entry.shown = backend;
            entry.backendState.onCatalog(backend.state(), now);
        }
        entry.uses++;
        return entry.backendState;
    }

    private static List<LiveEntry> append(List<LiveEntry> spots, LiveEntry entry) {
        List<LiveEntry> more = new ArrayList<>(spots);
        more.add(entry);
        return List.copyOf(more);
    }

    /** One place less leads there. */
    void leave(Backend backend) {
        LiveEntry entry = at(machines.getOrDefault(backend.id(), List.of()), backend);
        if (entry != null) {
            entry.uses--;
        }
    }

    /** Forgets the port if nothing leads there any more, and then tells. */
    void sweep(Backend backend, Consumer<BackendState> gone) {
        List<LiveEntry> spots = machines.getOrDefault(backend.id(), List.of());
        LiveEntry entry = at(spots, backend);
        if (entry == null || entry.uses > 0) {
            return;
        }
        List<LiveEntry> rest = spots.stream().filter(s -> !s.equals(entry)).toList();
        if (rest.isEmpty()) {
            machines.remove(backend.id());
        } else {
            machines.put(backend.id(), rest);
        }
        gone.accept(entry.backendState);
    }

    List<BackendState> of(MachineId machine) {
        return machines.getOrDefault(machine, List.of()).stream()
                .map(entry -> entry.backendState)
                .toList();
    }

    /** Requests and connections under way to all of them. */
    int load() {
        int load = 0;
        for (List<LiveEntry> spots : machines.values()) {
            for (LiveEntry entry : spots) {
                load += entry.backendState.load();
            }
        }
        return load;
    }
}
