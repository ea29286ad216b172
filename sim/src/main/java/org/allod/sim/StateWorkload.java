package org.allod.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.allod.state.LocalWrite;
import org.allod.state.ReplicatedSchema;
import org.allod.state.RowKey;
import org.allod.state.SchemaReader;
import org.jspecify.annotations.Nullable;

/**
 * Writes like those of a fleet: each host writes whole rows of its own machines, and all hosts write some shared rows.
 */
final class StateWorkload {
    static final ReplicatedSchema SCHEMA = SchemaReader.read("""
            CREATE TABLE machine(-- whole-row
              host INTEGER NOT NULL, id INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 0,
              version INTEGER NOT NULL DEFAULT 0, state TEXT, PRIMARY KEY(host, id));
            CREATE TABLE service(name TEXT NOT NULL PRIMARY KEY, address TEXT, port INTEGER, weight REAL DEFAULT 1.0);
            """);

    private final Rng rng;
    /** Above every version given out so far, as an owner that reads its own record back makes it. */
    private long version;

    StateWorkload(Rng rng) {
        this.rng = rng;
    }

    List<LocalWrite> transaction(SimulatedHost host) {
        List<LocalWrite> writes = new ArrayList<>();
        for (int i = rng.nextInt(3); i >= 0; i--) {
            writes.add(rng.chance(0.5) ? machine(host) : service());
        }
        return writes;
    }

    private LocalWrite machine(SimulatedHost host) {
        RowKey key = RowKey.of((long) host.number, (long) rng.nextInt(4));
        if (rng.chance(0.1)) {
            return new LocalWrite.Delete("machine", key);
        }
        TreeMap<String, @Nullable Object> values = new TreeMap<>();
        values.put("epoch", 1L);
        values.put("version", ++version);
        values.put("state", List.of("created", "started", "stopped").get(rng.nextInt(3)));
        return new LocalWrite.Put("machine", key, values);
    }

    private LocalWrite service() {
        RowKey key = RowKey.of("s" + rng.nextInt(5));
        if (rng.chance(0.2)) {
            return new LocalWrite.Delete("service", key);
        }
        TreeMap<String, @Nullable Object> values = new TreeMap<>();
        if (rng.chance(0.7)) {
            values.put("address", "10.0.0." + rng.nextInt(5));
        }
        if (rng.chance(0.5)) {
            values.put("port", (long) rng.nextInt(5));
        }
        return new LocalWrite.Put("service", key, values);
    }
}
