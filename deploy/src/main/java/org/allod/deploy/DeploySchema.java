package org.allod.deploy;

import java.util.List;
import org.allod.store.Schema;

/** This room's table in {@code host.db}. */
public final class DeploySchema {
    /** The schema to open the database with. */
    public static final Schema SCHEMA = new Schema(
            "deploy",
            List.of(List.of(
                    "CREATE TABLE deploy (id TEXT PRIMARY KEY, app TEXT NOT NULL, number INTEGER NOT NULL, "
                            + "status TEXT NOT NULL, why TEXT NOT NULL, source TEXT NOT NULL, created INTEGER NOT NULL, "
                            + "ended INTEGER, revision INTEGER NOT NULL, plan TEXT NOT NULL, state TEXT) WITHOUT ROWID",
                    "CREATE UNIQUE INDEX deploy_number ON deploy (app, number)")));

    private DeploySchema() {}
}
