package org.allod.state;

import org.jspecify.annotations.Nullable;

/**
 * One column of a replicated table.
 *
 * @param type as written in the schema; SQLite makes an affinity of it
 * @param defaultSql the literal written after DEFAULT
 * @param defaultValue what that literal is: what a cell holds that nobody has written
 */
public record Column(
        String name,
        String type,
        boolean notNull,
        @Nullable String defaultSql,
        @Nullable Object defaultValue) {}
