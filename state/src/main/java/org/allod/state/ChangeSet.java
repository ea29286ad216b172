package org.allod.state;

import java.util.List;

/**
 * What one site wrote at once: the unit of broadcast, of what has been seen, and of what a receiver applies in one
 * transaction. A small transaction is one; a large one is several, cut between rows.
 */
public record ChangeSet(Dot dot, List<RowChange> rows) {
    public ChangeSet {
        rows = List.copyOf(rows);
    }
}
