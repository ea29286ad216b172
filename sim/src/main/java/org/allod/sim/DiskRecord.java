package org.allod.sim;

import java.util.List;
import org.allod.state.ChangeSet;
import org.allod.state.RowChange;
import org.allod.state.VersionVector;

/** What a simulated host of the room {@code state} writes to its disk, in order. */
sealed interface DiskRecord {
    /** A life began. */
    record Boot() implements DiskRecord {}

    record Applied(ChangeSet set) implements DiskRecord {}

    record Merged(List<RowChange> rows) implements DiskRecord {}

    record Claimed(VersionVector vector) implements DiskRecord {}
}
