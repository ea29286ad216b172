package org.allod.store;

import java.util.List;

/**
 * The tables of one component in a shared file, as an ordered list of migrations. Version {@code n} is what the first
 * {@code n} migrations make. A released migration is never edited; changes are new migrations.
 *
 * @param component the name under which the file records the version, for example {@code fsm}
 * @param migrations each a list of statements, run in one transaction with the new version number
 */
public record Schema(String component, List<List<String>> migrations) {
    public Schema {
        migrations = migrations.stream().map(List::copyOf).toList();
    }

    public int version() {
        return migrations.size();
    }
}
