package org.allod.edge;

import java.net.InetSocketAddress;
import org.allod.base.MachineId;

/**
 * One machine as the edge sees it.
 *
 * @param id the machine
 * @param address where its process listens, inside its private network
 * @param state what it is doing
 * @param service its limits and its autostart and autostop settings
 * @param healthy false while a health check fails
 * @param cordoned true if it receives no new traffic and must be neither started nor stopped
 */
public record Backend(
        MachineId id, InetSocketAddress address, State state, Service service, boolean healthy, boolean cordoned) {
    /** The states of a machine that affect routing. */
    public enum State {
        /** Takes requests. */
        RUNNING,
        /** Coming up: the request waits. */
        STARTING,
        /** Stopping, or being moved or replaced: the request waits for the outcome. */
        STOPPING,
        /** Boots on demand. */
        STOPPED,
        /** Resumes on demand, faster than a boot. */
        SUSPENDED,
        /** Failed, being destroyed, or otherwise unusable. */
        GONE
    }

    /** A healthy machine that is not cordoned. */
    public static Backend of(MachineId id, InetSocketAddress address, State state, Service service) {
        return new Backend(id, address, state, service, true, false);
    }

    /** The same machine in another state. */
    public Backend withState(State other) {
        return new Backend(id, address, other, service, healthy, cordoned);
    }

    /** Whether a request can be sent to it now. */
    boolean takesTraffic() {
        return state == State.RUNNING && healthy && !cordoned;
    }

    /** Whether waking it results in a machine that takes requests. */
    boolean canWake() {
        return service.autostart() && !cordoned && (state == State.STOPPED || state == State.SUSPENDED);
    }
}
