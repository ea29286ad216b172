package org.allod.edge;

import java.util.List;
import java.util.Map;
import org.allod.base.MachineId;
import org.jspecify.annotations.Nullable;

/**
 * The catalog made ready for requests. Immutable, swapped whole.
 *
 * @param byApp as the catalog names them
 * @param lives one for each port of each machine
 * @param byMachine the same
 */
record Routes(Map<String, Route> byApp, Map<Spot, Live> lives, Map<MachineId, List<Live>> byMachine) {
    static final Routes EMPTY = new Routes(Map.of(), Map.of(), Map.of());

    /** A port of a machine. */
    record Spot(MachineId machine, int port) {
        static Spot of(Backend backend) {
            return new Spot(backend.id(), backend.address().getPort());
        }
    }

    /** The app's way from this door; HTTPS finds what HTTP finds where the app says nothing of it. */
    @Nullable
    Route find(String app, Door door) {
        if (door.port() == Door.HTTP) {
            return byApp.get(app);
        }
        Route own = byApp.get(Door.route(app, door.port()));
        return own == null && door.port() == Door.HTTPS ? byApp.get(app) : own;
    }
}
