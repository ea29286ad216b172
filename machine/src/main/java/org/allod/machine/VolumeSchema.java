package org.allod.machine;

import java.util.List;
import org.allod.store.Schema;

/** The volumes' tables in {@code host.db}. */
public final class VolumeSchema {
    /** The schema to open the database with. */
    public static final Schema SCHEMA = new Schema(
            "volume",
            List.of(List.of(
                    "CREATE TABLE volume (id TEXT PRIMARY KEY, app TEXT NOT NULL, state TEXT NOT NULL, "
                            + "updated INTEGER NOT NULL, record TEXT NOT NULL)",
                    "CREATE INDEX volume_gone ON volume (updated) WHERE state = 'destroyed'",
                    "CREATE TABLE volume_snapshot (id TEXT PRIMARY KEY, volume TEXT NOT NULL, record TEXT NOT NULL)")));

    private VolumeSchema() {}
}
