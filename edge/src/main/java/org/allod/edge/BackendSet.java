package org.allod.edge;

import java.util.List;
import org.allod.base.MachineId;

/** The machines of one app with their current load: the input of {@link BackendSelector}. */
interface BackendSet {
    int size();

    Backend backend(int index);

    /** Requests or connections in flight or promised, counted as the machine's service configures. */
    int load(int index);

    /** True while it is drained before a stop: it receives nothing new. */
    boolean draining(int index);

    /** True while a request is waiting for it to come up. */
    boolean waking(int index);

    /** An immutable snapshot of one machine. */
    record Entry(Backend backend, int load, boolean draining, boolean waking) {}

    /** An immutable snapshot of a set, for tests and simulations. */
    record Snapshot(List<Entry> members) implements BackendSet {
        @Override
        public int size() {
            return members.size();
        }

        @Override
        public Backend backend(int index) {
            return members.get(index).backend();
        }

        @Override
        public int load(int index) {
            return members.get(index).load();
        }

        @Override
        public boolean draining(int index) {
            return members.get(index).draining();
        }

        @Override
        public boolean waking(int index) {
            return members.get(index).waking();
        }

        int indexOf(MachineId id) {
            for (int i = 0; i < members.size(); i++) {
                if (members.get(i).backend().id().equals(id)) {
                    return i;
                }
            }
            return -1;
        }
    }
}
