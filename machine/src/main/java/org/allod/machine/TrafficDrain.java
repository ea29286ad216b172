package org.allod.machine;

import java.time.Duration;
import org.allod.base.MachineId;

/** What carries requests to machines; told before a machine goes away. The assembly puts the edge here. */
public interface TrafficDrain {
    /** Sends nothing new to the machine, and returns once what was under way is over or {@code bound} has passed. */
    void drain(MachineId machine, Duration bound);

    /** Refuses ports of the edge that this host cannot open, such as one that another program has. */
    default void admit(MachineConfig config) {}

    /** Nobody carries requests. */
    TrafficDrain NONE = (machine, bound) -> {};
}
