package org.allod.state;

import java.util.List;

/**
 * What one site wrote at once: the unit that is broadcast, recorded as seen, and applied in one transaction. A small
 * transaction is one change set; a large one is several, split between rows.
 */
public record ChangeSet(Dot dot, List<RowChange> rows) {
    public ChangeSet {
        rows = List.copyOf(rows);
    }
}
