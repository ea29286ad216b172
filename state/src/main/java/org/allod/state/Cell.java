package org.allod.state;

import org.jspecify.annotations.Nullable;

/**
 * One value of a row, with how often it was written in this life of the row and by which change set last.
 *
 * @param version from 1; a cell that nobody wrote has its column's default and is not kept
 */
public record Cell(@Nullable Object value, long version, Dot dot) {
    /** Whether this wins over the other. Equal ones hold the same value, so it does not matter which is kept. */
    boolean beats(Cell other) {
        return version != other.version ? version > other.version : Values.compare(value, other.value) > 0;
    }
}
