package org.allod.state;

import java.util.List;
import java.util.Optional;

/**
 * What became of a transaction of this host, which is on the disk.
 *
 * @param rows for each statement, how many rows it changed
 * @param first the number of its first change set, and {@code last} of its last; 0 and -1 where it changed nothing
 * @param set the change set, where it is only one
 */
public record LocalCommit(List<Integer> rows, long first, long last, Optional<ChangeSet> set) {
    public LocalCommit {
        rows = List.copyOf(rows);
    }
}
