package org.allod.edge;

import java.net.InetSocketAddress;
import org.allod.base.MachineId;

/**
 * One machine as the edge sees it.
 *
 * @param id the machine
 * @param address where its process listens, inside its private network
 * @param state what it is doing
 * @param service how it wants to be used
 * @param healthy false where a check says it does not serve
 * @param cordoned true where no new traffic may go to it, and it is not to be started or stopped either
 */
public record Backend(
        MachineId id, InetSocketAddress address, State state, Service service, boolean healthy, boolean cordoned) {
    /** The states of a machine that make a difference to a request. */
    public enum State {
        /** Takes requests. */
        RUNNING,
        /** On its way up: worth waiting for. */
        STARTING,
        /** On its way down, or being moved or replaced: wait and see. */
        STOPPING,
        /** Boots on demand. */
        STOPPED,
        /** Continues on demand, faster than a boot. */
        SUSPENDED,
        /** Failed, being destroyed, or otherwise of no use. */
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

    /** Whether a request could be sent to it now. */
    boolean takesTraffic() {
        return state == State.RUNNING && healthy && !cordoned;
    }

    /** Whether waking it would end in a machine that takes requests. */
    boolean canWake() {
        return service.autostart() && !cordoned && (state == State.STOPPED || state == State.SUSPENDED);
    }
}
