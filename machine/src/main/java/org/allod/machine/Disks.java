package org.allod.machine;

import java.util.List;
import org.allod.runtime.GuestSpec;

/** Knows the disks behind a configuration's mounts. */
interface Disks {
    /** For machines without volumes. */
    Disks NONE = config -> List.of();

    List<GuestSpec.Volume> of(MachineConfig config);
}
