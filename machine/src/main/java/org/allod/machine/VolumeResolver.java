package org.allod.machine;

import java.util.List;
import org.allod.runtime.GuestSpec;

/** Finds the disks for a configuration's mounts. */
interface VolumeResolver {
    /** For machines without volumes. */
    VolumeResolver NONE = config -> List.of();

    List<GuestSpec.Volume> of(MachineConfig config);
}
