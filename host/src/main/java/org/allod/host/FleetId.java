package org.allod.host;

import java.util.List;
import org.allod.base.Rng;
import org.allod.store.Database;
import org.allod.store.Schema;

/** This host's fleet number, fixed as long as its data exists: its 40 bits are part of every machine's address. */
final class FleetId {
    static final Schema SCHEMA = new Schema(
            "host",
            List.of(List.of("CREATE TABLE host_fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")));

    private static final long FORTY_BITS = (1L << 40) - 1;

    private FleetId() {}

    /** Reads the fleet number, or draws one. */
    static long fleet(Database database, Rng rng) {
        String drawn = Long.toHexString(rng.nextLong() & FORTY_BITS);
        return Long.parseLong(
                database.write(tx -> {
                    tx.update("INSERT OR IGNORE INTO host_fact (name, value) VALUES ('fleet', ?)", drawn);
                    return tx.first("SELECT value FROM host_fact WHERE name = 'fleet'", row -> row.getString(1))
                            .orElse(drawn);
                }),
                16);
    }
}
