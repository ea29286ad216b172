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
 * The {@link BackendState} of each port of each machine in the catalog, however many routes refer to it. Changed under
 * the lock of {@link Edge#publish} only; readable by any thread, but not used on the path of a request, which has the
 * state from its route.
 */
final class LiveBackends {
    /** A port of a machine. */
    private static final class LiveEntry {
        final int port;
        final BackendState backendState;
        /** How many places in the catalog refer to it. */
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

    /** @param make creates the initial state of a machine's port */
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

    /** Adds a reference from the catalog. */
    @SuppressWarnings(
            "ReferenceEquality") // a Backend that equals the last is a change all the same, because it is newer
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

    /** Removes a reference. */
    void leave(Backend backend) {
        LiveEntry entry = at(machines.getOrDefault(backend.id(), List.of()), backend);
        if (entry != null) {
            entry.uses--;
        }
    }

    /** Removes the port's state if nothing refers to it any more, and then calls {@code gone} with it. */
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

    /** Requests and connections in flight, summed over all backends. */
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
