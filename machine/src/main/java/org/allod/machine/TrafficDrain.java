package org.allod.machine;

import java.time.Duration;
import org.allod.base.MachineId;

/** Drains a machine's traffic before the machine stops. The edge implements it. */
public interface TrafficDrain {
    /** Sends the machine nothing new; returns once its requests have ended or {@code bound} has passed. */
    void drain(MachineId machine, Duration bound);

    /** Refuses ports of the edge that this host cannot open, for example because another program listens there. */
    default void admit(MachineConfig config) {}

    /** For hosts without an edge. */
    TrafficDrain NONE = (machine, bound) -> {};
}
