package org.allod.state;

import java.util.List;
import java.util.Optional;

/**
 * The result of a transaction of this host, which is durable.
 *
 * @param rows for each statement, how many rows it changed
 * @param first the number of its first change set, and {@code last} that of its last; 0 and -1 if it changed nothing
 * @param set the change set, if there is exactly one
 */
public record LocalCommit(List<Integer> rows, long first, long last, Optional<ChangeSet> set) {
    public LocalCommit {
        rows = List.copyOf(rows);
    }
}
