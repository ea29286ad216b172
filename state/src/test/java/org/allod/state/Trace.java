package org.allod.state;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.allod.base.Rng;
import org.jspecify.annotations.Nullable;

/** Random writes by a few sites on a few rows, so that nearly everything conflicts with something. */
final class Trace {
    static final String SQL = """
            CREATE TABLE svc(id INTEGER NOT NULL PRIMARY KEY, name TEXT, port INTEGER, load REAL DEFAULT 0.5);
            CREATE TABLE machine(-- whole-row
              app TEXT NOT NULL, id INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 0,
              version INTEGER NOT NULL DEFAULT 0, state TEXT, PRIMARY KEY(app, id));
            CREATE TABLE tag(a TEXT NOT NULL, b INTEGER NOT NULL, PRIMARY KEY(a, b));
            """;
    static final ReplicatedSchema SCHEMA = SchemaReader.read(SQL);

    private final Rng rng;
    private long version;

    Trace(Rng rng) {
        this.rng = rng;
    }

    static List<SiteId> sites(int count) {
        List<SiteId> sites = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            sites.add(new SiteId(0x4000L, 0x8000_0000_0000_0000L | i));
        }
        return sites;
    }

    List<LocalWrite> writes() {
        List<LocalWrite> writes = new ArrayList<>();
        for (int i = rng.nextInt(3); i >= 0; i--) {
            writes.add(write());
        }
        return writes;
    }

    private LocalWrite write() {
        return switch (rng.nextInt(5)) {
            case 0 -> new LocalWrite.Delete("svc", RowKey.of((long) rng.nextInt(3)));
            case 1, 2 -> svc();
            case 3 -> machine();
            default -> tag();
        };
    }

    private LocalWrite svc() {
        TreeMap<String, @Nullable Object> values = new TreeMap<>();
        if (rng.chance(0.6)) {
            values.put("name", rng.chance(0.2) ? null : "n" + rng.nextInt(4));
        }
        if (rng.chance(0.6)) {
            values.put("port", (long) rng.nextInt(4));
        }
        if (rng.chance(0.3)) {
            values.put("load", rng.nextInt(4) / 4.0);
        }
        return new LocalWrite.Put("svc", RowKey.of((long) rng.nextInt(3)), values);
    }

    private LocalWrite machine() {
        RowKey key = RowKey.of("app" + rng.nextInt(2), (long) rng.nextInt(2));
        if (rng.chance(0.15)) {
            return new LocalWrite.Delete("machine", key);
        }
        TreeMap<String, @Nullable Object> values = new TreeMap<>();
        values.put("epoch", version / 12);
        // Now and then two sites use one version, as a broken owner would.
        values.put("version", rng.chance(0.2) ? version : ++version);
        values.put("state", rng.chance(0.5) ? "started" : "stopped");
        return new LocalWrite.Put("machine", key, values);
    }

    private LocalWrite tag() {
        RowKey key = RowKey.of("t" + rng.nextInt(2), (long) rng.nextInt(2));
        return rng.chance(0.4) ? new LocalWrite.Delete("tag", key) : new LocalWrite.Put("tag", key, new TreeMap<>());
    }
}
