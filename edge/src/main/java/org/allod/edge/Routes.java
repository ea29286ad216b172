package org.allod.edge;

import java.util.Map;
import org.allod.base.MachineId;

/** The catalog made ready for requests. Immutable, swapped whole. */
record Routes(Map<String, Route> byApp, Map<MachineId, Live> lives) {
    static final Routes EMPTY = new Routes(Map.of(), Map.of());
}
